using Ppsd.Kernels.Checkpoints;
using Ppsd.Kernels.Checkpoints.Configuration;
using Ppsd.Kernels.Devices;
using Ppsd.Kernels.Distillation.Compute;
using Ppsd.Kernels.Distillation.Teacher;

namespace Ppsd.Kernels.Distillation.Heads;

/// <summary>
/// A layer of a head, shaped and equipped as the model's own, forward and backward. A chain head runs one several times in a pass, each time with a
/// <see cref="LayerUse"/> of its own; gradients of weights add up. Its weights belong to the head.
/// </summary>
internal sealed class TrainedLayer
{
    private readonly TrainingDevice _device;
    private readonly AttentionShape _shape;
    private readonly float _epsilon;
    private readonly int _window;
    private readonly TrainedMatrix _attentionNorm;
    private readonly TrainedMatrix _queryKeyValue;
    private readonly TrainedMatrix _output;
    private readonly TrainedMatrix _feedForwardNorm;
    private readonly TrainedMatrix _gateUp;
    private readonly TrainedMatrix _down;
    private readonly LayerAdditions _additions;

    public TrainedLayer(TrainingDevice device, ModelConfig config)
    {
        _device = device;
        _epsilon = StreamNorm.EpsilonOf(config.RmsNormEpsilon, config);
        _window = config.Layers.SlidingWindow ?? int.MaxValue;
        _shape = AttentionShape.Of(config);
        _attentionNorm = device.AllocateTrained(1, config.HiddenSize);
        _queryKeyValue = device.AllocateTrained(_shape.QkvWidth, config.HiddenSize);
        _output = device.AllocateTrained(config.HiddenSize, _shape.QueryWidth);
        _feedForwardNorm = device.AllocateTrained(1, config.HiddenSize);
        _gateUp = device.AllocateTrained(2 * config.IntermediateSize, config.HiddenSize);
        _down = device.AllocateTrained(config.HiddenSize, config.IntermediateSize);
        _additions = new LayerAdditions(device, config, (_, width) => device.AllocateTrained(1, width));
    }

    /// <summary>The layer's tensors under their names in a file.</summary>
    public IEnumerable<TrainedTensor> Tensors(LlamaLayerTensorNames names)
    {
        var inner = _gateUp.Rows / 2;
        yield return new(names.InputNorm, _attentionNorm);
        yield return new(names.Query, _queryKeyValue, 0, _shape.QueryWidth) { IsRotated = true };
        yield return new(names.Key, _queryKeyValue, _shape.QueryWidth, _shape.KvWidth) { IsRotated = true };
        yield return new(names.Value, _queryKeyValue, _shape.QueryWidth + _shape.KvWidth, _shape.KvWidth);
        yield return new(names.Output, _output);
        yield return new(names.PostAttentionNorm, _feedForwardNorm);
        yield return new(names.Gate, _gateUp, 0, inner);
        yield return new(names.Up, _gateUp, inner, inner);
        yield return new(names.Down, _down);
        foreach (var (addition, vector) in _additions.Vectors)
        {
            yield return new(LayerAdditions.NameOf(addition, names), (TrainedMatrix)vector)
            {
                IsRotated = LayerAdditions.IsRotated(addition),
            };
        }
    }

    /// <summary>Runs the layer; the use's <see cref="LayerUse.Output"/> receives the result.</summary>
    /// <param name="input">[rows, hiddenSize]; must stay as it is until <see cref="Backward"/>.</param>
    /// <param name="uses">The uses so far of a chain, this one last; a single one elsewhere.</param>
    /// <param name="rotary">Cosines and sines.</param>
    /// <param name="shift">Added to each row's position.</param>
    public void Forward(
        Activations input,
        ReadOnlySpan<LayerUse> uses,
        IDisposable rotary,
        TrainingPass pass,
        int shift
    )
    {
        var use = uses[^1];
        var kept = use.Kept;
        var rows = pass.Rows;
        use.Input = input;
        _device.RmsNorm(input, _attentionNorm, _epsilon, kept.Normed, kept.Inverse, rows);
        _device.Product(kept.Normed, _queryKeyValue, kept.Projected, rows, adds: false);
        _additions.AfterQueryKeyValue(kept, rows);
        _device.Rotate(kept.QueryKeyValue, _shape, rotary, pass.Positions(shift), rows, inverse: false);
        _device.Attend(QueriesKeysValues(uses), _shape, pass.Sequences, _window, kept.Attended, kept.LogSums);
        _device.Copy(input, use.Middle, rows);
        _device.Product(kept.Attended, _output, use.Middle, rows, adds: true);
        _additions.AfterOutput(use.Middle, rows);
        _device.RmsNorm(use.Middle, _feedForwardNorm, _epsilon, use.MiddleNormed, use.MiddleInverse, rows);
        _device.Product(use.MiddleNormed, _gateUp, kept.GateUp, rows, adds: false);
        _additions.AfterGateUp(kept.GateUp, rows);
        _device.SwiGlu(kept.GateUp, kept.FeedForward, rows);
        _device.Copy(use.Middle, use.Output, rows);
        _device.Product(kept.FeedForward, _down, use.Output, rows, adds: true);
        _additions.AfterDown(use.Output, rows);
    }

    /// <summary>
    /// Adds the gradients of all weights. The last use's <see cref="LayerUse.Gradient"/> holds the gradient of its output and
    /// becomes that of its input. Uses of a chain go last to first, each with those before it, and their gradients of keys and
    /// values must start as zeros.
    /// </summary>
    /// <param name="scratch">Buffers that live only within one layer's backward pass: those of the teacher's layers.</param>
    public void Backward(
        ReadOnlySpan<LayerUse> uses,
        LayerScratch scratch,
        IDisposable rotary,
        TrainingPass pass,
        int shift
    )
    {
        var use = uses[^1];
        var kept = use.Kept;
        var rows = pass.Rows;
        var gradient = use.Gradient;
        _device.ProductWeightGradient(gradient, kept.FeedForward, _down, rows);
        _additions.DownGradient(gradient, rows);
        _device.ProductInputGradient(gradient, _down, scratch.FeedForward, rows, adds: false);
        _device.SwiGluGradient(kept.GateUp, scratch.FeedForward, scratch.GateUp, rows);
        _device.ProductWeightGradient(scratch.GateUp, use.MiddleNormed, _gateUp, rows);
        _additions.GateUpGradient(scratch.GateUp, rows);
        _device.ProductInputGradient(scratch.GateUp, _gateUp, scratch.Normed, rows, adds: false);
        _device.RmsNormGradient(scratch.Normed, use.Middle, _feedForwardNorm, use.MiddleInverse, gradient, rows);
        _device.ProductWeightGradient(gradient, kept.Attended, _output, rows);
        _additions.OutputGradient(gradient, rows);
        _device.ProductInputGradient(gradient, _output, scratch.Attended, rows, adds: false);
        if (use.OwnQueryKeyValueGradient is null)
        {
            _device.Clear(scratch.QueryKeyValue, rows);
        }

        _device.AttendGradient(
            QueriesKeysValues(uses),
            _shape,
            pass.Sequences,
            _window,
            kept.Attended,
            kept.LogSums,
            scratch.Attended,
            Gradients(uses, scratch)
        );
        var projected = use.OwnQueryKeyValueGradient ?? scratch.QueryKeyValue;
        _device.Rotate(projected, _shape, rotary, pass.Positions(shift), rows, inverse: true);
        _additions.QueryKeyValueGradient(kept, projected, rows);
        _device.ProductWeightGradient(projected, kept.Normed, _queryKeyValue, rows);
        _device.ProductInputGradient(projected, _queryKeyValue, scratch.Normed, rows, adds: false);
        _device.RmsNormGradient(scratch.Normed, use.Input!, _attentionNorm, kept.Inverse, gradient, rows);
    }

    private static Activations[] QueriesKeysValues(ReadOnlySpan<LayerUse> uses)
    {
        var buffers = new Activations[uses.Length];
        for (var i = 0; i < uses.Length; i++)
        {
            buffers[i] = uses[i].Kept.QueryKeyValue;
        }

        return buffers;
    }

    private static Activations[] Gradients(ReadOnlySpan<LayerUse> uses, LayerScratch scratch)
    {
        var buffers = new Activations[uses.Length];
        for (var i = 0; i < uses.Length; i++)
        {
            buffers[i] = uses[i].OwnQueryKeyValueGradient ?? scratch.QueryKeyValue;
        }

        return buffers;
    }
}
