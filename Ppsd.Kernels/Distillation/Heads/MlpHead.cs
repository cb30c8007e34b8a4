using Ppsd.Kernels.Checkpoints;
using Ppsd.Kernels.Checkpoints.Configuration;
using Ppsd.Kernels.Devices;
using Ppsd.Kernels.Distillation.Compute;
using Ppsd.Kernels.Distillation.Teacher;

namespace Ppsd.Kernels.Distillation.Heads;

/// <summary>A gated feed-forward block with a residual.</summary>
internal sealed class MlpHead : TrainedHead
{
    private readonly TrainedMatrix _blockNorm;
    private readonly TrainedMatrix _gateUp;
    private readonly TrainedMatrix _down;
    private readonly Activations _normed;
    private readonly Activations _inverse;
    private readonly Activations _gateUpStates;
    private readonly Activations _feedForward;
    private readonly Activations _output;
    private readonly Activations _gradient;
    private Activations? _hidden;

    public MlpHead(TrainingDevice device, HeadSpec spec, ModelConfig config, int maxRows)
        : base(device, spec, config)
    {
        var hidden = config.HiddenSize;
        var inner = config.IntermediateSize;
        _blockNorm = device.AllocateTrained(1, hidden);
        _gateUp = device.AllocateTrained(2 * inner, hidden);
        _down = device.AllocateTrained(hidden, inner);
        _normed = device.Allocate(maxRows, hidden);
        _inverse = device.Allocate(maxRows, 1);
        _gateUpStates = device.Allocate(maxRows, 2 * inner);
        _feedForward = device.Allocate(maxRows, inner);
        _output = device.Allocate(maxRows, hidden);
        _gradient = device.Allocate(maxRows, hidden);
    }

    public override void Forward(Activations hidden, TeacherModel teacher, TrainingPass pass)
    {
        var rows = pass.Rows;
        _hidden = hidden;
        Device.RmsNorm(hidden, _blockNorm, StreamEpsilon, _normed, _inverse, rows);
        Device.Product(_normed, _gateUp, _gateUpStates, rows, adds: false);
        Device.SwiGlu(_gateUpStates, _feedForward, rows);
        Device.Copy(hidden, _output, rows);
        Device.Product(_feedForward, _down, _output, rows, adds: true);
        Device.Clear(_gradient, rows);
    }

    public override Activations Output(int step) => _output;

    public override Activations OutputGradient(int step) => _gradient;

    public override void Backward(TeacherModel teacher, TrainingPass pass)
    {
        var rows = pass.Rows;
        var scratch = teacher.Scratch;
        Device.ProductWeightGradient(_gradient, _feedForward, _down, rows);
        Device.ProductInputGradient(_gradient, _down, scratch.FeedForward, rows, adds: false);
        Device.SwiGluGradient(_gateUpStates, scratch.FeedForward, scratch.GateUp, rows);
        Device.ProductWeightGradient(scratch.GateUp, _normed, _gateUp, rows);
        Device.ProductInputGradient(scratch.GateUp, _gateUp, scratch.Normed, rows, adds: false);
        Device.RmsNormGradient(scratch.Normed, _hidden!, _blockNorm, _inverse, null, rows);
    }

    protected override IEnumerable<TrainedTensor> BlockTensors()
    {
        var inner = _gateUp.Rows / 2;
        yield return new(ExitHeadTensorNames.MlpNorm, _blockNorm);
        yield return new(ExitHeadTensorNames.MlpGate, _gateUp, 0, inner);
        yield return new(ExitHeadTensorNames.MlpUp, _gateUp, inner, inner);
        yield return new(ExitHeadTensorNames.MlpDown, _down);
    }

    protected override IEnumerable<IDisposable> Buffers() =>
        [_normed, _inverse, _gateUpStates, _feedForward, _output, _gradient];
}
