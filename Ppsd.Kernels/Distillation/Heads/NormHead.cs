using Ppsd.Kernels.Checkpoints.Configuration;
using Ppsd.Kernels.Devices;
using Ppsd.Kernels.Distillation.Compute;
using Ppsd.Kernels.Distillation.Teacher;

namespace Ppsd.Kernels.Distillation.Heads;

/// <summary>The head's norm alone.</summary>
internal sealed class NormHead(TrainingDevice device, HeadSpec spec, ModelConfig config)
    : TrainedHead(device, spec, config)
{
    private Activations? _hidden;

    public override void Forward(Activations hidden, TeacherModel teacher, TrainingPass pass) => _hidden = hidden;

    public override Activations Output(int step) => _hidden!;

    public override Activations? OutputGradient(int step) => null;

    public override void Backward(TeacherModel teacher, TrainingPass pass) { }

    protected override IEnumerable<TrainedTensor> BlockTensors() => [];

    protected override IEnumerable<IDisposable> Buffers() => [];
}
