using Ppsd.Kernels.Checkpoints;
using Ppsd.Kernels.Checkpoints.Configuration;
using Ppsd.Kernels.Devices;
using Ppsd.Kernels.Weights;

namespace Ppsd.Kernels.Model;

/// <summary>
/// An early-exit head: turns the hidden state after the exit layer into draft logits. Three kinds share one shape:
/// blocks (none for a norm head, one feed-forward block for an MLP head, whole layers for a transformer head), then a
/// norm of its own and the verifier's LM head.
/// </summary>
internal sealed class ExitHead : IDisposable
{
    private readonly Backend _backend;
    private readonly TransformerLayer[] _layers;
    private readonly FeedForwardBlock? _feedForward;
    private readonly LogitsHead _logitsHead;
    private readonly StageScratch _scratch;
    private readonly Activations _hidden;

    private ExitHead(
        Backend backend,
        TransformerLayer[] layers,
        FeedForwardBlock? feedForward,
        LogitsHead logitsHead,
        StageScratch scratch,
        Activations hidden
    )
    {
        _backend = backend;
        _layers = layers;
        _feedForward = feedForward;
        _logitsHead = logitsHead;
        _scratch = scratch;
        _hidden = hidden;
    }

    /// <summary>Layers with keys and values of their own; they take part in the stage's KV budget.</summary>
    public static int KvLayerCount(ExitHeadConfig head) => head.Kind == ExitHeadKind.Transformer ? head.LayerCount : 0;

    /// <summary>Its last part: draft logits, and what is drawn from them.</summary>
    public LogitsHead LogitsHead => _logitsHead;

    /// <summary>Bytes of weights one step reads, the shared LM head not counted.</summary>
    public long WeightBytes => _layers.Sum(layer => layer.WeightBytes) + (_feedForward?.WeightBytes ?? 0);

    /// <summary>Loads a head's tensors.</summary>
    public static ExitHead Load(
        Backend backend,
        WeightSource source,
        ExitHeadConfig head,
        ModelConfig verifier,
        WeightMatrix lmHead,
        StageLimits limits
    )
    {
        var epsilon = head.RmsNormEpsilon;
        var feedForwardSize = head.IntermediateSize ?? verifier.IntermediateSize;
        var layers = new TransformerLayer[KvLayerCount(head)];
        for (var i = 0; i < layers.Length; i++)
        {
            layers[i] = TransformerLayer.Load(
                backend,
                source,
                ExitHeadTensorNames.Layer(i),
                verifier,
                epsilon,
                limits.KvSlots
            );
        }

        var feedForward =
            head.Kind == ExitHeadKind.Mlp
                ? FeedForwardBlock.Load(backend, source, verifier.HiddenSize, feedForwardSize, epsilon)
                : null;
        var norm = new Norm(backend.LoadVector(source.Require(ExitHeadTensorNames.Norm, verifier.HiddenSize)), epsilon);
        return new ExitHead(
            backend,
            layers,
            feedForward,
            new LogitsHead(backend, norm, lmHead, limits.MaxWidth),
            new StageScratch(backend, verifier, feedForwardSize, limits.MaxRows),
            backend.AllocateActivations(limits.MaxRows, verifier.HiddenSize)
        );
    }

    /// <summary>Keeps the hidden states after the exit layer: later layers of the stage will overwrite them.</summary>
    public void Tap(Activations hidden, int rows) => _backend.CopyRows(hidden, 0, rows, _hidden);

    /// <summary>
    /// False when <see cref="Forward"/> would queue nothing: nobody drafts from the step's rows, and the head has no cache that
    /// they must enter.
    /// </summary>
    public bool HasWork(int rows, int firstRow) => firstRow < rows || _layers.Length > 0;

    /// <summary>
    /// Runs the head on the tapped rows. A transformer head's own cache needs every token; rows from
    /// <paramref name="firstRow"/> on get logits.
    /// </summary>
    public void Forward(RotaryMemory rotary, int rows, int firstRow)
    {
        ForwardLayers(rotary, rows, isRead: firstRow < rows);
        if (firstRow < rows)
        {
            _feedForward?.Forward(_hidden, _scratch, rows);
            _logitsHead.Forward(_hidden, firstRow, rows - firstRow);
        }
    }

    private void ForwardLayers(RotaryMemory rotary, int rows, bool isRead)
    {
        for (var i = 0; i < _layers.Length; i++)
        {
            if (i == 0)
            {
                _backend.RmsNorm(_hidden, 0, rows, _layers[0].AttentionNorm, _scratch.Normed);
            }

            var isLast = i == _layers.Length - 1;
            if (isLast && !isRead)
            {
                _layers[i].Store(_scratch, rotary, rows);
                return;
            }

            _layers[i].Forward(_hidden, _scratch, rotary, rows, isLast ? null : _layers[i + 1].AttentionNorm);
        }
    }

    public void Dispose()
    {
        foreach (var layer in _layers)
        {
            layer.Dispose();
        }

        _feedForward?.Dispose();
        _logitsHead.Dispose();
        _scratch.Dispose();
        _hidden.Dispose();
    }
}
