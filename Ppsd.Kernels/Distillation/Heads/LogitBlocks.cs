using Ppsd.Kernels.Devices;
using Ppsd.Kernels.Distillation.Compute;
using Ppsd.Kernels.Distillation.Teacher;

namespace Ppsd.Kernels.Distillation.Heads;

/// <summary>
/// Logits of target rows a block at a time: the target's once, then those of each head and drafting step. Two blocks are all
/// the logits that are ever kept; a stage that has only the target, or only heads, has one.
/// </summary>
internal sealed class LogitBlocks : IDisposable
{
    private readonly TrainingDevice _device;
    private readonly Activations? _targetStates;
    private readonly IndexBuffer? _identity;
    private readonly Activations? _target;
    private readonly Activations? _draft;
    private readonly Activations? _states;
    private readonly Activations? _normed;
    private readonly Activations? _inverse;

    /// <param name="device">Where.</param>
    /// <param name="hiddenSize">Width of a state.</param>
    /// <param name="vocabSize">Width of a row of logits.</param>
    /// <param name="rows">Most rows of a block.</param>
    /// <param name="maxRows">Most rows of a pass.</param>
    /// <param name="hasTarget">Whether the target's logits are computed here.</param>
    /// <param name="hasDraft">Whether heads' are.</param>
    public LogitBlocks(
        TrainingDevice device,
        int hiddenSize,
        int vocabSize,
        int rows,
        int maxRows,
        bool hasTarget = true,
        bool hasDraft = true
    )
    {
        _device = device;
        Rows = rows;
        if (hasTarget)
        {
            _targetStates = device.Allocate(rows, hiddenSize);
            _target = device.Allocate(rows, vocabSize);
            _identity = device.AllocateIndices(maxRows);
            device.Upload(Enumerable.Range(0, maxRows).ToArray(), _identity);
        }

        if (hasDraft)
        {
            _draft = device.Allocate(rows, vocabSize);
            _states = device.Allocate(rows, hiddenSize);
            _normed = device.Allocate(rows, hiddenSize);
            _inverse = device.Allocate(rows, 1);
        }
    }

    /// <summary>Most target rows of a block.</summary>
    public int Rows { get; }

    /// <summary>The target's logits, [rows, vocabSize].</summary>
    public Activations Target => _target ?? throw Missing();

    /// <summary>A head's logits, [rows, vocabSize].</summary>
    public Activations Draft => _draft ?? throw Missing();

    /// <summary>The head's states before its norm, [rows, hiddenSize].</summary>
    public Activations States => _states ?? throw Missing();

    /// <summary>The norm's inverse root mean squares.</summary>
    public Activations Inverse => _inverse ?? throw Missing();

    /// <summary>Computes the target's logits of target rows.</summary>
    public void ComputeTarget(TeacherModel teacher, int first, int count)
    {
        _device.GatherRows(teacher.TargetStates, _identity!, first, count, _targetStates!);
        _device.Product(_targetStates!, teacher.LmHead, Target, count, adds: false);
    }

    /// <summary>Computes a head's logits of the rows from which its step predicts target rows.</summary>
    public void ComputeDraft(TeacherModel teacher, TrainedHead head, int step, TrainingPass pass, int first, int count)
    {
        _device.GatherRows(head.Output(step), pass.SourceRows(step), first, count, States);
        _device.RmsNorm(States, head.Norm, head.StreamEpsilon, _normed!, Inverse, count);
        Divide(_normed!, head, count);
        _device.Product(_normed!, teacher.LmHead, Draft, count, adds: false);
    }

    /// <summary>Divides normed states, or their gradients, by what the model's logits are divided by.</summary>
    public void Divide(Activations normed, TrainedHead head, int count)
    {
        if (head.Config.Layers.LogitsDivisor is var divisor && divisor != 1)
        {
            _device.Scale(normed, (float)(1 / divisor), count);
        }
    }

    public void Dispose()
    {
        foreach (var buffer in (IDisposable?[])[_targetStates, _identity, _target, _draft, _states, _normed, _inverse])
        {
            buffer?.Dispose();
        }
    }

    private static InvalidOperationException Missing() => new("the stage does not compute these logits");
}
