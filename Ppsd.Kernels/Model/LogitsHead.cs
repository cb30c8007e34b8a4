using Ppsd.Kernels.Devices;
using Ppsd.Kernels.Sampling;

namespace Ppsd.Kernels.Model;

/// <summary>
/// Final norm and LM head: hidden states to logits. The target head is one with the model's own norm; an exit head ends
/// in one with its own norm and the same LM head, or some rows of it.
/// </summary>
internal sealed class LogitsHead : IDisposable
{
    private readonly Backend _backend;
    private readonly Norm _norm;
    private readonly LmHead _lmHead;
    private readonly NormedRows _normed;
    private readonly Activations _logits;
    private readonly TokenDraws? _draws;
    private float[] _host = [];
    private readonly bool _ownsNorm;
    private int _rows;
    private bool _isRead;

    /// <summary>
    /// Takes ownership of <paramref name="norm"/> unless <paramref name="ownsNorm"/> is false; the LM head stays the
    /// caller's.
    /// </summary>
    public LogitsHead(Backend backend, Norm norm, LmHead lmHead, int maxRows, bool ownsNorm = true)
    {
        _ownsNorm = ownsNorm;
        _backend = backend;
        _norm = norm;
        _lmHead = lmHead;
        _normed = backend.AllocateNormed(maxRows, lmHead.HiddenSize);
        _logits = backend.AllocateActivations(maxRows, lmHead.VocabSize);
        _draws = backend.AllocateDraws(maxRows, lmHead.VocabSize);
    }

    /// <summary>The device's draws; null where the host draws.</summary>
    public TokenDraws? Draws => _draws;

    /// <summary>
    /// Queues the logits of <paramref name="rows"/> rows of <paramref name="hidden"/> from <paramref name="firstRow"/> on, and
    /// draws from them where the device draws.
    /// </summary>
    /// <param name="firstRow">The first that counts.</param>
    /// <param name="rows">How many.</param>
    public void Forward(Activations hidden, int firstRow, int rows)
    {
        if (rows > _normed.Capacity)
        {
            throw new ArgumentOutOfRangeException(
                nameof(rows),
                $"a head serves at most {_normed.Capacity} rows per step, but {rows} were asked for"
            );
        }

        _backend.RmsNorm(hidden, firstRow, rows, _norm, _normed);
        _lmHead.Multiply(_normed, _logits, rows);
        _draws?.Queue(_logits, firstRow, rows);
        (_rows, _isRead) = (rows, false);
    }

    /// <summary>Notes that logits of this many rows were queued, by <see cref="Forward"/> or a replay of it.</summary>
    public void Expect(int rows)
    {
        _rows = rows;
        _isRead = false;
        _draws?.Expect();
    }

    /// <summary>
    /// Reads the tokens that the device drew from a row of logits, best first; see <see cref="TokenDraws.Read"/>. 0 when it
    /// did not, and the host must, from <see cref="Logits"/>.
    /// </summary>
    public int ReadDraws(int row, Span<DraftToken> drafts, Func<bool>? isCancelled = null) =>
        _draws?.Read(row, drafts, isCancelled) ?? 0;

    /// <summary>Waits for the logits that were queued last; one row of them, [vocabSize].</summary>
    public ReadOnlySpan<float> Logits(int row)
    {
        if (!_isRead)
        {
            if (_host.Length < _rows * _lmHead.VocabSize)
            {
                // A card draws itself: few of its stages ever ask for logits.
                _host = new float[_rows * _lmHead.VocabSize];
            }

            _backend.Download(_logits, _rows, _host);
            _isRead = true;
        }

        return _host.AsSpan(row * _lmHead.VocabSize, _lmHead.VocabSize);
    }

    public void Dispose()
    {
        if (_ownsNorm)
        {
            _norm.Dispose();
        }

        _normed.Dispose();
        _logits.Dispose();
        _draws?.Dispose();
    }
}
