using Ppsd.Kernels.Checkpoints;
using Ppsd.Kernels.Checkpoints.Configuration;
using Ppsd.Kernels.Devices;
using Ppsd.Kernels.Distillation.Compute;
using Ppsd.Kernels.Weights;

namespace Ppsd.Kernels.Distillation.Teacher;

/// <summary>A layer of the model itself, forward only.</summary>
internal sealed class FrozenLayer : IDisposable
{
    private readonly TrainingDevice _device;
    private readonly AttentionShape _shape;
    private readonly float _epsilon;
    private readonly int _window;
    private readonly bool _rotates;
    private readonly TrainingMatrix _attentionNorm;
    private readonly TrainingMatrix _queryKeyValue;
    private readonly TrainingMatrix _output;
    private readonly TrainingMatrix _feedForwardNorm;
    private readonly TrainingMatrix _gateUp;
    private readonly TrainingMatrix _down;
    private readonly LayerAdditions _additions;

    /// <param name="device">Where.</param>
    /// <param name="source">The model's weights; not needed any more afterwards.</param>
    /// <param name="layer">Counted from the model's first.</param>
    /// <param name="config">The model's shape.</param>
    public FrozenLayer(TrainingDevice device, WeightSource source, int layer, ModelConfig config)
    {
        var names = LlamaTensorNames.Layer(layer);
        var projections = LayerProjections.Of(source, names, config);
        _device = device;
        _shape = AttentionShape.Of(config);
        _epsilon = StreamNorm.EpsilonOf(config.RmsNormEpsilon, config);
        _rotates = !config.Layers.UnrotatedLayers.Contains(layer);
        _window = config.Layers.SlidingWindow ?? int.MaxValue;
        var hidden = config.HiddenSize;
        _attentionNorm = device.LoadFrozen(MatrixUses.Rows, source.Require(names.InputNorm, hidden));
        _queryKeyValue = device.LoadFrozen(MatrixUses.Products, projections.Query, projections.Key, projections.Value);
        _output = device.LoadFrozen(MatrixUses.Products, source.Require(names.Output, hidden, _shape.QueryWidth));
        _feedForwardNorm = device.LoadFrozen(MatrixUses.Rows, source.Require(names.PostAttentionNorm, hidden));
        _gateUp = device.LoadFrozen(MatrixUses.Products, projections.Gate, projections.Up);
        _down = device.LoadFrozen(MatrixUses.Products, source.Require(names.Down, hidden, config.IntermediateSize));
        _additions = new LayerAdditions(
            device,
            config,
            (addition, width) =>
            {
                var vector = source.Require(LayerAdditions.NameOf(addition, names), width);
                return device.LoadFrozen(
                    MatrixUses.Rows,
                    LayerAdditions.IsRotated(addition) ? RotatedPairs.Arrange(vector, config) : vector
                );
            }
        );
    }

    /// <summary>Adds the layer's output to <paramref name="hidden"/>, in place.</summary>
    public void Forward(Activations hidden, LayerScratch scratch, IDisposable rotary, TrainingPass pass)
    {
        var rows = pass.Rows;
        _device.RmsNorm(hidden, _attentionNorm, _epsilon, scratch.Normed, scratch.Inverse, rows);
        _device.Product(scratch.Normed, _queryKeyValue, scratch.Projected, rows, adds: false);
        _additions.AfterQueryKeyValue(scratch, rows);
        if (_rotates)
        {
            _device.Rotate(scratch.QueryKeyValue, _shape, rotary, pass.Positions(0), rows, inverse: false);
        }

        _device.Attend([scratch.QueryKeyValue], _shape, pass.Sequences, _window, scratch.Attended, scratch.LogSums);
        _device.Product(scratch.Attended, _output, hidden, rows, adds: true);
        _additions.AfterOutput(hidden, rows);
        _device.RmsNorm(hidden, _feedForwardNorm, _epsilon, scratch.Normed, scratch.Inverse, rows);
        _device.Product(scratch.Normed, _gateUp, scratch.GateUp, rows, adds: false);
        _additions.AfterGateUp(scratch.GateUp, rows);
        _device.SwiGlu(scratch.GateUp, scratch.FeedForward, rows);
        _device.Product(scratch.FeedForward, _down, hidden, rows, adds: true);
        _additions.AfterDown(hidden, rows);
    }

    public void Dispose()
    {
        _attentionNorm.Dispose();
        _queryKeyValue.Dispose();
        _output.Dispose();
        _feedForwardNorm.Dispose();
        _gateUp.Dispose();
        _down.Dispose();
        foreach (var (_, vector) in _additions.Vectors)
        {
            vector.Dispose();
        }
    }
}
