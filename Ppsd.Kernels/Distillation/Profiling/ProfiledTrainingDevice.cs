using Ppsd.Kernels.Devices;
using Ppsd.Kernels.Distillation.Compute;
using Ppsd.Kernels.Weights;

namespace Ppsd.Kernels.Distillation.Profiling;

/// <summary>
/// A device whose operations are timed: each is waited for, which costs what a queue would have hidden and changes no bit. Its
/// buffers are the device's own.
/// </summary>
/// <param name="inner">The device; disposed with this.</param>
/// <param name="clock">Times it.</param>
internal sealed partial class ProfiledTrainingDevice(TrainingDevice inner, TimeProvider clock) : TrainingDevice
{
    private TrainingPart _part;

    /// <summary>Where the time went.</summary>
    public TrainingProfile Profile { get; } = new();

    public override string Name => inner.Name;

    public override string Description => inner.Description;

    public override TrainingSizes Sizes => inner.Sizes;

    public override long AllocatedBytes => inner.AllocatedBytes;

    public override void EnterThread() => inner.EnterThread();

    public override void Enter(TrainingPart part) => _part = part;

    public override void Wait() => inner.Wait();

    public override Activations Allocate(int rows, int width) => inner.Allocate(rows, width);

    public override IndexBuffer AllocateIndices(int capacity) => inner.AllocateIndices(capacity);

    public override TrainedMatrix AllocateTrained(int rows, int columns) => inner.AllocateTrained(rows, columns);

    public override TrainingMatrix LoadFrozen(MatrixUses uses, params ReadOnlySpan<Weight> stacked) =>
        inner.LoadFrozen(uses, stacked);

    public override IDisposable LoadRotary(RotaryTable table) => inner.LoadRotary(table);

    public override void Product(Activations x, TrainingMatrix weight, Activations y, int rows, bool adds)
    {
        var started = clock.GetTimestamp();
        inner.Product(x, weight, y, rows, adds);
        Note(OperationKind.Products, started, 2.0 * rows * weight.Rows * weight.Columns);
    }

    public override void ProductInputGradient(
        Activations dy,
        TrainingMatrix weight,
        Activations dx,
        int rows,
        bool adds
    )
    {
        var started = clock.GetTimestamp();
        inner.ProductInputGradient(dy, weight, dx, rows, adds);
        Note(OperationKind.Products, started, 2.0 * rows * weight.Rows * weight.Columns);
    }

    public override void ProductWeightGradient(Activations dy, Activations x, TrainedMatrix weight, int rows)
    {
        var started = clock.GetTimestamp();
        inner.ProductWeightGradient(dy, x, weight, rows);
        Note(OperationKind.Products, started, 2.0 * rows * weight.Rows * weight.Columns);
    }

    public override void Attend(
        ReadOnlySpan<Activations> steps,
        AttentionShape shape,
        SequenceStarts sequences,
        int window,
        Activations y,
        Activations logSums
    )
    {
        var started = clock.GetTimestamp();
        inner.Attend(steps, shape, sequences, window, y, logSums);
        Note(OperationKind.Attention, started);
    }

    public override void AttendGradient(
        ReadOnlySpan<Activations> steps,
        AttentionShape shape,
        SequenceStarts sequences,
        int window,
        Activations y,
        Activations logSums,
        Activations dy,
        ReadOnlySpan<Activations> gradients
    )
    {
        var started = clock.GetTimestamp();
        inner.AttendGradient(steps, shape, sequences, window, y, logSums, dy, gradients);
        Note(OperationKind.Attention, started);
    }

    public override void Loss(
        Activations target,
        Activations draft,
        IndexBuffer rows,
        IndexBuffer nextTokens,
        int first,
        int count,
        DistillationLoss loss,
        float weight,
        Activations results
    )
    {
        var started = clock.GetTimestamp();
        inner.Loss(target, draft, rows, nextTokens, first, count, loss, weight, results);
        Note(OperationKind.Rows, started);
    }

    public override void KeepTop(Activations logits, int count, int first, Activations kept)
    {
        var started = clock.GetTimestamp();
        inner.KeepTop(logits, count, first, kept);
        Note(OperationKind.Rows, started);
    }

    public override void TruncatedLoss(
        Activations kept,
        Activations draft,
        IndexBuffer rows,
        IndexBuffer nextTokens,
        int first,
        int count,
        DistillationLoss loss,
        float weight,
        Activations results
    )
    {
        var started = clock.GetTimestamp();
        inner.TruncatedLoss(kept, draft, rows, nextTokens, first, count, loss, weight, results);
        Note(OperationKind.Rows, started);
    }

    public override double GradientSquares(TrainedMatrix matrix)
    {
        var started = clock.GetTimestamp();
        var result = inner.GradientSquares(matrix);
        Note(OperationKind.Rows, started);
        return result;
    }

    public override void Update(TrainedMatrix matrix, in AdamWStep step)
    {
        var started = clock.GetTimestamp();
        inner.Update(matrix, in step);
        Note(OperationKind.Rows, started);
    }

    public override void ClearGradient(TrainedMatrix matrix)
    {
        var started = clock.GetTimestamp();
        inner.ClearGradient(matrix);
        Note(OperationKind.Rows, started);
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            inner.Dispose();
        }
    }

    private void Note(OperationKind kind, long started, double flops = 0)
    {
        inner.Wait();
        Profile.Add(_part, kind, clock.GetElapsedTime(started).TotalSeconds, flops);
    }
}
