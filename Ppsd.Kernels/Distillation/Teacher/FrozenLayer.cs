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
    private readonly TrainingMatrix _attentionNorm;
    private readonly TrainingMatrix _queryKeyValue;
    private readonly TrainingMatrix _output;
    private readonly TrainingMatrix _feedForwardNorm;
    private readonly TrainingMatrix _gateUp;
    private readonly TrainingMatrix _down;
    private readonly LayerAdditions _additions;

    public FrozenLayer(TrainingDevice device, WeightSource source, LlamaLayerTensorNames names, ModelConfig config)
    {
        _device = device;
        _shape = new AttentionShape(config.HeadCount, config.KvHeadCount, config.HeadSize);
        _epsilon = config.RmsNormEpsilon;
        _window = config.Layers.SlidingWindow ?? int.MaxValue;
        var hidden = config.HiddenSize;
        var inner = config.IntermediateSize;
        _attentionNorm = device.LoadFrozen(MatrixUses.Rows, source.Require(names.InputNorm, hidden));
        _queryKeyValue = device.LoadFrozen(
            MatrixUses.Products,
            source.Require(names.Query, _shape.QueryWidth, hidden),
            source.Require(names.Key, _shape.KvWidth, hidden),
            source.Require(names.Value, _shape.KvWidth, hidden)
        );
        _output = device.LoadFrozen(MatrixUses.Products, source.Require(names.Output, hidden, _shape.QueryWidth));
        _feedForwardNorm = device.LoadFrozen(MatrixUses.Rows, source.Require(names.PostAttentionNorm, hidden));
        _gateUp = device.LoadFrozen(
            MatrixUses.Products,
            source.Require(names.Gate, inner, hidden),
            source.Require(names.Up, inner, hidden)
        );
        _down = device.LoadFrozen(MatrixUses.Products, source.Require(names.Down, hidden, inner));
        _additions = new LayerAdditions(
            device,
            config,
            _epsilon,
            (addition, width) =>
                device.LoadFrozen(MatrixUses.Rows, source.Require(LayerAdditions.NameOf(addition, names), width))
        );
    }

    /// <summary>Adds the layer's output to <paramref name="hidden"/>, in place.</summary>
    public void Forward(Activations hidden, LayerScratch scratch, IDisposable rotary, TrainingPass pass)
    {
        var rows = pass.Rows;
        _device.RmsNorm(hidden, _attentionNorm, _epsilon, scratch.Normed, scratch.Inverse, rows);
        _device.Product(scratch.Normed, _queryKeyValue, scratch.Projected, rows, adds: false);
        _additions.AfterQueryKeyValue(scratch, rows);
        _device.Rotate(scratch.QueryKeyValue, _shape, rotary, pass.Positions(0), rows, inverse: false);
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
