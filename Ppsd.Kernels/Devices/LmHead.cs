using Ppsd.Kernels.Checkpoints.Configuration;
using Ppsd.Kernels.Weights;

namespace Ppsd.Kernels.Devices;

/// <summary>
/// What turns a hidden state after its norm into logits: the model's LM head, or for an exit head that drafts the tokens of a
/// list only, their rows of it. Either way a row of logits has a value for each token of the vocabulary.
/// </summary>
internal sealed class LmHead : IDisposable
{
    private readonly Backend _backend;
    private readonly WeightMatrix _matrix;
    private readonly ListedLogits? _listed;

    private LmHead(Backend backend, WeightMatrix matrix, ListedLogits? listed, int vocabSize)
    {
        _backend = backend;
        _matrix = matrix;
        _listed = listed;
        VocabSize = vocabSize;
    }

    /// <summary>Values of a row of logits.</summary>
    public int VocabSize { get; }

    /// <summary>Values of a hidden state.</summary>
    public int HiddenSize => _matrix.Columns;

    /// <summary>Bytes of weights that are here alone; 0 where the model's LM head is shared.</summary>
    public long OwnByteCount => _listed is null ? 0 : _matrix.ByteCount;

    /// <summary>The model's LM head, [vocabSize, hiddenSize], which stays the caller's.</summary>
    public static LmHead OfModel(Backend backend, WeightMatrix matrix) => new(backend, matrix, null, matrix.Rows);

    /// <summary>Loads the rows of listed tokens.</summary>
    /// <param name="backend">The device.</param>
    /// <param name="model">The model's LM head, [vocabSize, hiddenSize].</param>
    /// <param name="list">The tokens.</param>
    /// <param name="rows">Most rows of logits at once.</param>
    public static LmHead OfListed(Backend backend, Weight model, DraftVocabulary list, int rows)
    {
        var vocabSize = checked((int)model.RowCount);
        list.RequireWithin(vocabSize);
        var tokens = list.Tokens.ToArray();
        return new LmHead(
            backend,
            backend.LoadMatrix(new SelectedRows(model, tokens.Length, row => tokens[row])),
            backend.AllocateListed(rows, vocabSize, tokens),
            vocabSize
        );
    }

    /// <summary>Queues logits[r] = LM head x[r].</summary>
    /// <param name="x">Hidden states after their norm.</param>
    /// <param name="logits">[rows, vocabSize].</param>
    /// <param name="rows">Rows.</param>
    public void Multiply(NormedRows x, Activations logits, int rows)
    {
        _backend.MatMul(x, _matrix, _listed?.Listed ?? logits, rows);
        _listed?.Spread(logits, rows);
    }

    public void Dispose()
    {
        if (_listed is not null)
        {
            _matrix.Dispose();
            _listed.Dispose();
        }
    }
}
