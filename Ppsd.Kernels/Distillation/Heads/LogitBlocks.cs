using Ppsd.Kernels.Devices;
using Ppsd.Kernels.Distillation.Compute;
using Ppsd.Kernels.Distillation.Teacher;

namespace Ppsd.Kernels.Distillation.Heads;

/// <summary>
/// Logits of target rows a block at a time: the target's once, then those of each head and drafting step. Two blocks are all
/// the logits that are ever kept.
/// </summary>
internal sealed class LogitBlocks : IDisposable
{
    private readonly TrainingDevice _device;
    private readonly Activations _targetStates;
    private readonly IndexBuffer _identity;

    public LogitBlocks(TrainingDevice device, int hiddenSize, int vocabSize, int maxRows)
    {
        _device = device;
        Rows = Math.Min(maxRows, device.LogitRows(vocabSize));
        _targetStates = device.Allocate(Rows, hiddenSize);
        Target = device.Allocate(Rows, vocabSize);
        Draft = device.Allocate(Rows, vocabSize);
        States = device.Allocate(Rows, hiddenSize);
        Normed = device.Allocate(Rows, hiddenSize);
        Inverse = device.Allocate(Rows, 1);
        _identity = device.AllocateIndices(maxRows);
        device.Upload(Enumerable.Range(0, maxRows).ToArray(), _identity);
    }

    /// <summary>Most target rows of a block.</summary>
    public int Rows { get; }

    /// <summary>The target's logits, [rows, vocabSize].</summary>
    public Activations Target { get; }

    /// <summary>A head's logits, [rows, vocabSize].</summary>
    public Activations Draft { get; }

    /// <summary>The head's states before its norm, [rows, hiddenSize].</summary>
    public Activations States { get; }

    /// <summary>After its norm.</summary>
    public Activations Normed { get; }

    /// <summary>The norm's inverse root mean squares.</summary>
    public Activations Inverse { get; }

    /// <summary>Computes the target's logits of target rows.</summary>
    public void ComputeTarget(TeacherModel teacher, int first, int count)
    {
        _device.GatherRows(teacher.TargetStates, _identity, first, count, _targetStates);
        _device.Product(_targetStates, teacher.LmHead, Target, count, adds: false);
    }

    /// <summary>Computes a head's logits of the rows from which its step predicts target rows.</summary>
    public void ComputeDraft(TeacherModel teacher, TrainedHead head, int step, TrainingPass pass, int first, int count)
    {
        _device.GatherRows(head.Output(step), pass.SourceRows(step), first, count, States);
        _device.RmsNorm(States, head.Norm, head.Epsilon, Normed, Inverse, count);
        _device.Product(Normed, teacher.LmHead, Draft, count, adds: false);
    }

    public void Dispose()
    {
        _targetStates.Dispose();
        Target.Dispose();
        Draft.Dispose();
        States.Dispose();
        Normed.Dispose();
        Inverse.Dispose();
        _identity.Dispose();
    }
}
