using Ppsd.Kernels.Checkpoints;
using Ppsd.Kernels.Checkpoints.Configuration;
using Ppsd.Kernels.Devices;
using Ppsd.Kernels.Distillation.Compute;

namespace Ppsd.Kernels.Distillation.Teacher;

/// <summary>A vector that a layer of some families has beyond a plain LLaMA's.</summary>
internal enum LayerAddition
{
    QueryBias,
    KeyBias,
    ValueBias,
    OutputBias,
    GateBias,
    UpBias,
    DownBias,
    QueryNorm,
    KeyNorm,
}

/// <summary>
/// Biases of a layer's products and norms of its query and key heads, forward and backward; empty for a plain LLaMA. The
/// vectors, frozen or trained, belong to who made them.
/// </summary>
internal sealed class LayerAdditions
{
    private readonly TrainingDevice _device;
    private readonly AttentionShape _shape;
    private readonly int _inner;
    private readonly float _epsilon;
    private readonly Dictionary<LayerAddition, TrainingMatrix> _vectors;

    /// <param name="device">Where.</param>
    /// <param name="config">The model's shape; its traits say which vectors there are.</param>
    /// <param name="make">Makes a vector of a width.</param>
    public LayerAdditions(TrainingDevice device, ModelConfig config, Func<LayerAddition, int, TrainingMatrix> make)
    {
        _device = device;
        _shape = new AttentionShape(config.HeadCount, config.KvHeadCount, config.HeadSize);
        _inner = config.IntermediateSize;
        _epsilon = config.RmsNormEpsilon;
        _vectors = Of(config).ToDictionary(one => one.Addition, one => make(one.Addition, one.Width));
    }

    /// <summary>The vectors, in one order.</summary>
    public IEnumerable<(LayerAddition Addition, TrainingMatrix Vector)> Vectors =>
        _vectors.Select(pair => (pair.Key, pair.Value));

    /// <summary>The name of an addition's tensor.</summary>
    public static string NameOf(LayerAddition addition, LlamaLayerTensorNames names) =>
        addition switch
        {
            LayerAddition.QueryBias => LlamaLayerTensorNames.BiasOf(names.Query),
            LayerAddition.KeyBias => LlamaLayerTensorNames.BiasOf(names.Key),
            LayerAddition.ValueBias => LlamaLayerTensorNames.BiasOf(names.Value),
            LayerAddition.OutputBias => LlamaLayerTensorNames.BiasOf(names.Output),
            LayerAddition.GateBias => LlamaLayerTensorNames.BiasOf(names.Gate),
            LayerAddition.UpBias => LlamaLayerTensorNames.BiasOf(names.Up),
            LayerAddition.DownBias => LlamaLayerTensorNames.BiasOf(names.Down),
            LayerAddition.QueryNorm => names.QueryNorm,
            LayerAddition.KeyNorm => names.KeyNorm,
            _ => throw new ArgumentOutOfRangeException(nameof(addition), addition, "no such vector"),
        };

    /// <summary>True for a vector whose elements are those of query or key heads, which may be rotated in part.</summary>
    public static bool IsRotated(LayerAddition addition) =>
        addition
            is LayerAddition.QueryBias
                or LayerAddition.KeyBias
                or LayerAddition.QueryNorm
                or LayerAddition.KeyNorm;

    /// <summary>Makes of <see cref="LayerScratch.Projected"/> queries and keys that are ready to be rotated, and values.</summary>
    public void AfterQueryKeyValue(LayerScratch kept, int rows)
    {
        AddBias(LayerAddition.QueryBias, kept.Projected, 0, rows);
        AddBias(LayerAddition.KeyBias, kept.Projected, _shape.QueryWidth, rows);
        AddBias(LayerAddition.ValueBias, kept.Projected, _shape.QueryWidth + _shape.KvWidth, rows);
        if (kept.HeadInverse is { } inverse)
        {
            _device.NormHeads(
                kept.Projected,
                _shape,
                _vectors[LayerAddition.QueryNorm],
                _vectors[LayerAddition.KeyNorm],
                _epsilon,
                kept.QueryKeyValue,
                inverse,
                rows
            );
        }
    }

    /// <summary>Adds the bias of attention's output projection.</summary>
    public void AfterOutput(Activations sum, int rows) => AddBias(LayerAddition.OutputBias, sum, 0, rows);

    /// <summary>Adds the biases of gate and up.</summary>
    public void AfterGateUp(Activations gateUp, int rows)
    {
        AddBias(LayerAddition.GateBias, gateUp, 0, rows);
        AddBias(LayerAddition.UpBias, gateUp, _inner, rows);
    }

    /// <summary>Adds the bias of the down projection.</summary>
    public void AfterDown(Activations sum, int rows) => AddBias(LayerAddition.DownBias, sum, 0, rows);

    /// <summary>The gradient of <see cref="AfterQueryKeyValue"/>: that of its result becomes that of the projection.</summary>
    public void QueryKeyValueGradient(LayerScratch kept, Activations gradient, int rows)
    {
        if (kept.HeadInverse is { } inverse)
        {
            _device.NormHeadsGradient(
                gradient,
                kept.Projected,
                _shape,
                (TrainedMatrix)_vectors[LayerAddition.QueryNorm],
                (TrainedMatrix)_vectors[LayerAddition.KeyNorm],
                inverse,
                rows
            );
        }

        BiasGradient(LayerAddition.QueryBias, gradient, 0, rows);
        BiasGradient(LayerAddition.KeyBias, gradient, _shape.QueryWidth, rows);
        BiasGradient(LayerAddition.ValueBias, gradient, _shape.QueryWidth + _shape.KvWidth, rows);
    }

    /// <summary>The gradient of <see cref="AfterOutput"/>.</summary>
    public void OutputGradient(Activations gradient, int rows) =>
        BiasGradient(LayerAddition.OutputBias, gradient, 0, rows);

    /// <summary>The gradient of <see cref="AfterGateUp"/>.</summary>
    public void GateUpGradient(Activations gradient, int rows)
    {
        BiasGradient(LayerAddition.GateBias, gradient, 0, rows);
        BiasGradient(LayerAddition.UpBias, gradient, _inner, rows);
    }

    /// <summary>The gradient of <see cref="AfterDown"/>.</summary>
    public void DownGradient(Activations gradient, int rows) => BiasGradient(LayerAddition.DownBias, gradient, 0, rows);

    /// <summary>What a model's layers have, and its widths.</summary>
    public static IEnumerable<(LayerAddition Addition, int Width)> Of(ModelConfig config)
    {
        var traits = config.Layers;
        if (traits.HasQueryKeyValueBias)
        {
            yield return (LayerAddition.QueryBias, config.QuerySize);
            yield return (LayerAddition.KeyBias, config.KvSize);
            yield return (LayerAddition.ValueBias, config.KvSize);
        }

        if (traits.HasOutputBias)
        {
            yield return (LayerAddition.OutputBias, config.HiddenSize);
        }

        if (traits.HasFeedForwardBias)
        {
            yield return (LayerAddition.GateBias, config.IntermediateSize);
            yield return (LayerAddition.UpBias, config.IntermediateSize);
            yield return (LayerAddition.DownBias, config.HiddenSize);
        }

        if (traits.HasHeadNorms)
        {
            yield return (LayerAddition.QueryNorm, config.HeadSize);
            yield return (LayerAddition.KeyNorm, config.HeadSize);
        }
    }

    private void AddBias(LayerAddition addition, Activations y, int column, int rows)
    {
        if (_vectors.TryGetValue(addition, out var bias))
        {
            _device.AddBias(y, column, bias, rows);
        }
    }

    private void BiasGradient(LayerAddition addition, Activations dy, int column, int rows)
    {
        if (_vectors.TryGetValue(addition, out var bias))
        {
            _device.BiasGradient(dy, column, (TrainedMatrix)bias, rows);
        }
    }
}
