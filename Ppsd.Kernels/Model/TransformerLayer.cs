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
        var shape = AttentionShape.Of(config);
        var hidden = config.HiddenSize;
        var inner = config.IntermediateSize;
        var projections = LayerProjections.Of(source, names, config);
        return new TransformerLayer(
            backend,
            shape,
            StreamNorm.Load(backend, source, names.InputNorm, config, epsilon),
            backend.LoadMatrix(projections.Query, projections.Key, projections.Value),
            AttentionAdditions.Load(backend, source, names, config, epsilon),
            backend.LoadMatrix(source.Require(names.Output, hidden, shape.QueryWidth)),
            StreamNorm.Load(backend, source, names.PostAttentionNorm, config, epsilon),
            config.Layers.HasFeedForwardBias
                ? BiasedFeedForward.Load(backend, source, names, projections, config)
                : GatedFeedForward.Load(
                    backend,
                    projections.Gate,
                    projections.Up,
                    source.Require(names.Down, hidden, inner)
                ),
            backend.AllocateKv(new KvShape(kvSlots, shape.KvHeadCount, shape.HeadSize))
        );
    }

    /// <summary>
    /// Loads a layer of an exit head. It has the biases and norms that the head's folder holds, whatever the verifier's
    /// layers have, and is always rotated; what is multiplied in the verifier is multiplied here.
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
        var traits = TraitsOfHead(source.Has, names, verifier);
        return Load(backend, source, names, verifier with { Layers = traits }, epsilon, kvSlots);
    }

    /// <summary>The traits of an exit head's layer.</summary>
    /// <param name="has">Whether the head has a tensor of a name.</param>
    /// <param name="names">Names of the layer's tensors.</param>
    /// <param name="verifier">The model the head belongs to.</param>
    public static LayerTraits TraitsOfHead(Func<string, bool> has, LlamaLayerTensorNames names, ModelConfig verifier)
    {
        return verifier.Layers with
        {
            // One of several is enough: the others are then missing.
            HasQueryKeyValueBias = HasBias(names.Query) || HasBias(names.Key) || HasBias(names.Value),
            HasOutputBias = HasBias(names.Output),
            HasFeedForwardBias = HasBias(names.Gate) || HasBias(names.Up) || HasBias(names.Down),
            HasHeadNorms = has(names.QueryNorm) || has(names.KeyNorm),
            HasFusedProjections = false,
        };

        bool HasBias(string weight) => has(LlamaLayerTensorNames.BiasOf(weight));
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
        Attend(hidden, scratch, rotary, rows, _feedForwardNorm);
        _feedForward.Forward(hidden, scratch, rows, next);
    }

    /// <summary>
    /// Adds the output of some of the layer's sublayers to <paramref name="hidden"/>, [rows, hiddenSize], in place. Keys and
    /// values are stored only if attention is one of them.
    /// </summary>
    public void ForwardSome(
        Activations hidden,
        StageScratch scratch,
        RotaryMemory rotary,
        int rows,
        bool attends,
        bool feedsForward
    )
    {
        if (attends)
        {
            _backend.RmsNorm(hidden, 0, rows, AttentionNorm, scratch.Normed);
            Attend(hidden, scratch, rotary, rows, feedsForward ? _feedForwardNorm : null);
        }

        if (feedsForward)
        {
            if (!attends)
            {
                _backend.RmsNorm(hidden, 0, rows, _feedForwardNorm, scratch.Normed);
            }

            _feedForward.Forward(hidden, scratch, rows, next: null);
        }
    }

    private void Attend(Activations hidden, StageScratch scratch, RotaryMemory rotary, int rows, Norm? next)
    {
        _backend.MatMul(scratch.Normed, _queryKeyValue, scratch.QueryKeyValue, rows);
        _additions.Apply(scratch.QueryKeyValue, rows);
        _backend.Attend(scratch.QueryKeyValue, _shape, rotary, _kv, scratch.Attended);
        _backend.MatMulAddBiased(scratch.Attended, _output, _additions.OutputBias, hidden, rows, next, scratch.Normed);
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
