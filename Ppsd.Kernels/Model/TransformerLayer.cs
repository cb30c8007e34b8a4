using Ppsd.Kernels.Checkpoints;
using Ppsd.Kernels.Checkpoints.Configuration;
using Ppsd.Kernels.Checkpoints.Families;
using Ppsd.Kernels.Devices;
using Ppsd.Kernels.Weights;

namespace Ppsd.Kernels.Model;

/// <summary>
/// One layer of a LLaMA or of a family that differs from it by traits, on a device: attention block, then feed-forward block, each added to the residual stream.
/// Owns its weights and its part of the KV cache. Query, key and value projections are one matrix.
/// </summary>
internal sealed class TransformerLayer : IDisposable
{
    private readonly Backend _backend;
    private readonly AttentionShape _shape;
    private readonly WeightMatrix _queryKeyValue;
    private readonly AttentionAdditions _additions;
    private readonly WeightMatrix _output;
    private readonly Norm _feedForwardNorm;
    private readonly IFeedForward _feedForward;
    private readonly KvMemory _kv;

    private TransformerLayer(
        Backend backend,
        AttentionShape shape,
        Norm attentionNorm,
        WeightMatrix queryKeyValue,
        AttentionAdditions additions,
        WeightMatrix output,
        Norm feedForwardNorm,
        IFeedForward feedForward,
        KvMemory kv
    )
    {
        _backend = backend;
        _shape = shape;
        AttentionNorm = attentionNorm;
        _queryKeyValue = queryKeyValue;
        _additions = additions;
        _output = output;
        _feedForwardNorm = feedForwardNorm;
        _feedForward = feedForward;
        _kv = kv;
    }

    /// <summary>Loads the layer with these tensors.</summary>
    public static TransformerLayer Load(
        Backend backend,
        WeightSource source,
        LlamaLayerTensorNames names,
        ModelConfig config,
        float epsilon,
        int kvSlots
    )
    {
        var shape = new AttentionShape(config.HeadCount, config.KvHeadCount, config.HeadSize);
        var hidden = config.HiddenSize;
        var inner = config.IntermediateSize;
        return new TransformerLayer(
            backend,
            shape,
            new Norm(backend.LoadVector(source.Require(names.InputNorm, hidden)), epsilon),
            backend.LoadMatrix(
                source.Require(names.Query, shape.QueryWidth, hidden),
                source.Require(names.Key, shape.KvWidth, hidden),
                source.Require(names.Value, shape.KvWidth, hidden)
            ),
            AttentionAdditions.Load(backend, source, names, config, epsilon),
            backend.LoadMatrix(source.Require(names.Output, hidden, shape.QueryWidth)),
            new Norm(backend.LoadVector(source.Require(names.PostAttentionNorm, hidden)), epsilon),
            config.Layers.HasFeedForwardBias
                ? BiasedFeedForward.Load(backend, source, names, config)
                : GatedFeedForward.Load(
                    backend,
                    source.Require(names.Gate, inner, hidden),
                    source.Require(names.Up, inner, hidden),
                    source.Require(names.Down, hidden, inner)
                ),
            backend.AllocateKv(new KvShape(kvSlots, shape.KvHeadCount, shape.HeadSize))
        );
    }

    /// <summary>
    /// Loads a layer of an exit head. It has the biases and norms that the head's folder holds, whatever the verifier's
    /// layers have.
    /// </summary>
    public static TransformerLayer LoadOfHead(
        Backend backend,
        WeightSource source,
        LlamaLayerTensorNames names,
        ModelConfig verifier,
        float epsilon,
        int kvSlots
    )
    {
        var traits = new LayerTraits
        {
            HasQueryKeyValueBias = source.Has(LlamaLayerTensorNames.BiasOf(names.Query)),
            HasOutputBias = source.Has(LlamaLayerTensorNames.BiasOf(names.Output)),
            HasFeedForwardBias = source.Has(LlamaLayerTensorNames.BiasOf(names.Gate)),
            HasHeadNorms = source.Has(names.QueryNorm),
        };
        return Load(backend, source, names, verifier with { Layers = traits }, epsilon, kvSlots);
    }

    /// <summary>Bytes of weights one step reads.</summary>
    public long WeightBytes => _queryKeyValue.ByteCount + _output.ByteCount + _feedForward.WeightBytes;

    /// <summary>The norm at the layer's entry, applied by the caller.</summary>
    public Norm AttentionNorm { get; }

    /// <summary>
    /// Adds the layer's output to <paramref name="hidden"/>, [rows, hiddenSize], in place. The scratch's normed rows
    /// must be <paramref name="hidden"/> after <see cref="AttentionNorm"/>; they leave as the new hidden state after
    /// <paramref name="next"/>, if one follows.
    /// </summary>
    public void Forward(Activations hidden, StageScratch scratch, RotaryMemory rotary, int rows, Norm? next)
    {
        _backend.MatMul(scratch.Normed, _queryKeyValue, scratch.QueryKeyValue, rows);
        _additions.Apply(scratch.QueryKeyValue, rows);
        _backend.Attend(scratch.QueryKeyValue, _shape, rotary, _kv, scratch.Attended);
        _backend.MatMulAddBiased(
            scratch.Attended,
            _output,
            _additions.OutputBias,
            hidden,
            rows,
            _feedForwardNorm,
            scratch.Normed
        );
        _feedForward.Forward(hidden, scratch, rows, next);
    }

    /// <summary>
    /// Only stores the rows' keys and values, which is all a last layer must do for rows whose output is not read. The
    /// scratch's normed rows must be the hidden state after <see cref="AttentionNorm"/>.
    /// </summary>
    public void Store(StageScratch scratch, RotaryMemory rotary, int rows)
    {
        _backend.MatMul(scratch.Normed, _queryKeyValue, scratch.QueryKeyValue, rows);
        _additions.Apply(scratch.QueryKeyValue, rows);
        _backend.AppendKv(scratch.QueryKeyValue, _shape, rotary, _kv);
    }

    public void Dispose()
    {
        AttentionNorm.Dispose();
        _queryKeyValue.Dispose();
        _additions.Dispose();
        _output.Dispose();
        _feedForwardNorm.Dispose();
        _feedForward.Dispose();
        _kv.Dispose();
    }
}
