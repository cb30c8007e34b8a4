using Ppsd.Kernels.Checkpoints;
using Ppsd.Kernels.Checkpoints.Configuration;
using Ppsd.Kernels.Devices;
using Ppsd.Kernels.Distillation.Compute;
using Ppsd.Kernels.Distillation.Teacher;

namespace Ppsd.Kernels.Distillation.Heads;

/// <summary>One or more LLaMA layers.</summary>
internal sealed class TransformerHead : TrainedHead
{
    private readonly TrainedLayer[] _layers;
    private readonly LayerUse[] _uses;

    public TransformerHead(TrainingDevice device, HeadSpec spec, ModelConfig config, int maxRows)
        : base(device, spec, config)
    {
        _layers = [.. Enumerable.Range(0, spec.LayerCount).Select(_ => new TrainedLayer(device, config))];
        _uses = [.. _layers.Select(_ => new LayerUse(device, config, maxRows))];
    }

    public override void Forward(Activations hidden, TeacherModel teacher, TrainingPass pass)
    {
        for (var i = 0; i < _layers.Length; i++)
        {
            _layers[i].Forward(i == 0 ? hidden : _uses[i - 1].Output, [_uses[i]], teacher.Rotary, pass, shift: 0);
        }

        Device.Clear(_uses[^1].Gradient, pass.Rows);
    }

    public override Activations Output(int step) => _uses[^1].Output;

    public override Activations OutputGradient(int step) => _uses[^1].Gradient;

    public override void Backward(TeacherModel teacher, TrainingPass pass)
    {
        for (var i = _layers.Length - 1; i >= 0; i--)
        {
            _layers[i].Backward([_uses[i]], teacher.Scratch, teacher.Rotary, pass, shift: 0);
            if (i > 0)
            {
                Device.Copy(_uses[i].Gradient, _uses[i - 1].Gradient, pass.Rows);
            }
        }
    }

    protected override IEnumerable<TrainedTensor> BlockTensors() =>
        _layers.SelectMany((layer, i) => layer.Tensors(ExitHeadTensorNames.Layer(i)));

    protected override IEnumerable<IDisposable> Buffers() => _uses;
}
