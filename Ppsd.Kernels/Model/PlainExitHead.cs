using Ppsd.Kernels.Checkpoints;
using Ppsd.Kernels.Checkpoints.Configuration;
using Ppsd.Kernels.Devices;
using Ppsd.Kernels.Weights;

namespace Ppsd.Kernels.Model;

/// <summary>
/// A head that ranks a row's successors and no more. Three kinds share one shape: blocks (none for a norm head, one
/// feed-forward block for an MLP head, whole layers for a transformer head), then a norm of its own and an LM head.
/// </summary>
internal sealed class PlainExitHead : ExitHead
{
    private readonly Backend _backend;
    private readonly TransformerLayer[] _layers;
    private readonly FeedForwardBlock? _feedForward;
    private readonly LogitsHead _logitsHead;
    private readonly LmHead _lmHead;
    private readonly StageScratch _scratch;
    private readonly Activations _hidden;

    private PlainExitHead(
        Backend backend,
        TransformerLayer[] layers,
        FeedForwardBlock? feedForward,
        LogitsHead logitsHead,
        LmHead lmHead,
        StageScratch scratch,
        Activations hidden
    )
    {
        _backend = backend;
        _layers = layers;
        _feedForward = feedForward;
        _logitsHead = logitsHead;
        _lmHead = lmHead;
        _scratch = scratch;
        _hidden = hidden;
    }

    public override int MaxDepth => 1;

    public override long WeightBytes =>
        _layers.Sum(layer => layer.WeightBytes) + (_feedForward?.WeightBytes ?? 0) + _lmHead.OwnByteCount;

    /// <summary>Loads a head's tensors.</summary>
    public static PlainExitHead LoadPlain(
        Backend backend,
        WeightSource source,
        ExitHeadConfig head,
        ModelConfig verifier,
        LmHead lmHead,
        StageLimits limits
    )
    {
        var epsilon = head.RmsNormEpsilon;
        var feedForwardSize = head.IntermediateSize ?? verifier.IntermediateSize;
        var layers = new TransformerLayer[KvLayerCount(head)];
        for (var i = 0; i < layers.Length; i++)
        {
            layers[i] = TransformerLayer.LoadOfHead(
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
                ? FeedForwardBlock.Load(backend, source, verifier, feedForwardSize, epsilon)
                : null;
        var norm = StreamNorm.LoadLast(backend, source, ExitHeadTensorNames.Norm, verifier, epsilon);
        return new PlainExitHead(
            backend,
            layers,
            feedForward,
            new LogitsHead(backend, norm, lmHead, limits.MaxWidth),
            lmHead,
            new StageScratch(backend, verifier, feedForwardSize, limits.MaxRows),
            backend.AllocateActivations(limits.MaxRows, verifier.HiddenSize)
        );
    }

    public override LogitsHead Logits(int step) => _logitsHead;

    public override void Tap(Activations hidden, int rows) => _backend.CopyRows(hidden, 0, rows, _hidden);

    public override bool HasWork(int rows, int firstRow) => firstRow < rows || _layers.Length > 0;

    public override void Forward(RotaryMemory rotary, in HeadRun run)
    {
        ForwardLayers(rotary, run.Rows, isRead: run.DraftRows > 0);
        if (run.DraftRows > 0)
        {
            _feedForward?.Forward(_hidden, _scratch, run.Rows);
            _logitsHead.Forward(_hidden, run.FirstRow, run.DraftRows);
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

    public override void Dispose()
    {
        foreach (var layer in _layers)
        {
            layer.Dispose();
        }

        _feedForward?.Dispose();
        _logitsHead.Dispose();
        _lmHead.Dispose();
        _scratch.Dispose();
        _hidden.Dispose();
    }
}
