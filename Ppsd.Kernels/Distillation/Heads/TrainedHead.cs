using Ppsd.Kernels.Checkpoints;
using Ppsd.Kernels.Checkpoints.Configuration;
using Ppsd.Kernels.Devices;
using Ppsd.Kernels.Distillation.Compute;
using Ppsd.Kernels.Distillation.Teacher;

namespace Ppsd.Kernels.Distillation.Heads;

/// <summary>
/// An exit head in training: everything between the hidden states after the exit layer and the states that the head's norm
/// and the shared LM head turn into draft logits. Those two, and the loss, are <see cref="DraftLoss"/>.
/// </summary>
internal abstract class TrainedHead(TrainingDevice device, HeadSpec spec, ModelConfig config) : IDisposable
{
    /// <summary>What was asked for.</summary>
    public HeadSpec Spec { get; } = spec;

    /// <summary>The model's shape.</summary>
    public ModelConfig Config { get; } = config;

    /// <summary>The device.</summary>
    protected TrainingDevice Device { get; } = device;

    /// <summary>The norm before the LM head.</summary>
    public TrainedMatrix Norm { get; } = device.AllocateTrained(1, config.HiddenSize);

    /// <summary>Epsilon of the head's norms as its folder has it: the model's.</summary>
    public float Epsilon => Config.RmsNormEpsilon;

    /// <summary>The same for norms of the residual stream as stages hold it.</summary>
    public float StreamEpsilon => StreamNorm.EpsilonOf(Config.RmsNormEpsilon, Config);

    /// <summary>Drafting steps: 1, or a chain's depth.</summary>
    public virtual int Steps => 1;

    /// <summary>All tensors, as the head's file names them.</summary>
    public IReadOnlyList<TrainedTensor> Tensors =>
        _tensors ??= [.. BlockTensors(), new(ExitHeadTensorNames.Norm, Norm)];

    private TrainedTensor[]? _tensors;

    /// <summary>All weights, each once.</summary>
    public IReadOnlyList<TrainedMatrix> Matrices =>
        _matrices ??= [.. Tensors.Select(tensor => tensor.Matrix).Distinct()];

    private TrainedMatrix[]? _matrices;

    /// <summary>Runs the head.</summary>
    /// <param name="hidden">The pass's hidden states after the exit layer; kept until <see cref="Backward"/>.</param>
    /// <param name="teacher">Embedding and rotary table.</param>
    public abstract void Forward(Activations hidden, TeacherModel teacher, TrainingPass pass);

    /// <summary>States before the head's norm, of drafting step <paramref name="step"/>, [rows, hiddenSize].</summary>
    public abstract Activations Output(int step);

    /// <summary>Their gradient; zeroed by <see cref="Forward"/>, and added to before <see cref="Backward"/>. Null where nothing reads it.</summary>
    public abstract Activations? OutputGradient(int step);

    /// <summary>Adds the gradients of all weights.</summary>
    public abstract void Backward(TeacherModel teacher, TrainingPass pass);

    /// <summary>Tensors other than <see cref="Norm"/>.</summary>
    protected abstract IEnumerable<TrainedTensor> BlockTensors();

    /// <summary>Frees weights and buffers.</summary>
    public void Dispose()
    {
        foreach (var matrix in Matrices)
        {
            matrix.Dispose();
        }

        foreach (var buffer in Buffers())
        {
            buffer.Dispose();
        }
    }

    /// <summary>What else the head has allocated.</summary>
    protected abstract IEnumerable<IDisposable> Buffers();
}
