using Ppsd.Kernels.Distillation.Compute;

namespace Ppsd.Kernels.Distillation.Profiling;

/// <summary>Kinds of operations that are timed apart.</summary>
internal enum OperationKind
{
    /// <summary>Products of matrices.</summary>
    Products,

    /// <summary>Attention and its gradient.</summary>
    Attention,

    /// <summary>All others: row by row.</summary>
    Rows,
}

/// <summary>Where the time of training goes, by part and kind of operation. For one thread at a time.</summary>
internal sealed class TrainingProfile
{
    private readonly Dictionary<(TrainingPart, OperationKind), (double Seconds, double Flops)> _sums = [];

    /// <summary>Parts of a step, in its order.</summary>
    public static IReadOnlyList<TrainingPart> Parts { get; } =
    [TrainingPart.Teacher, TrainingPart.Heads, TrainingPart.Losses, TrainingPart.Backward, TrainingPart.Optimiser];

    /// <summary>Seconds of all operations of a step's parts.</summary>
    public double Seconds => Parts.Sum(SecondsOf);

    /// <summary>Notes an operation.</summary>
    public void Add(TrainingPart part, OperationKind kind, double seconds, double flops)
    {
        _sums.TryGetValue((part, kind), out var sum);
        _sums[(part, kind)] = (sum.Seconds + seconds, sum.Flops + flops);
    }

    /// <summary>Notes all of another's, of a stage beside.</summary>
    public void Add(TrainingProfile other)
    {
        foreach (var ((part, kind), (seconds, flops)) in other._sums)
        {
            Add(part, kind, seconds, flops);
        }
    }

    /// <summary>Seconds of a part.</summary>
    public double SecondsOf(TrainingPart part) => Enum.GetValues<OperationKind>().Sum(kind => SecondsOf(part, kind));

    /// <summary>Seconds of a kind of operation in a part.</summary>
    public double SecondsOf(TrainingPart part, OperationKind kind) => _sums.GetValueOrDefault((part, kind)).Seconds;

    /// <summary>Multiplications and additions a second in a part's products; not a number where it has none.</summary>
    public double FlopRate(TrainingPart part)
    {
        var (seconds, flops) = _sums.GetValueOrDefault((part, OperationKind.Products));
        return flops / seconds;
    }
}
