using ILGPU;
using Ppsd.Kernels.Devices;
using Ppsd.Kernels.Distillation.Compute;
using Ppsd.Kernels.Distillation.Ilgpu.Kernels;

namespace Ppsd.Kernels.Distillation.Ilgpu;

/// <content>
/// Attention. Own keys and values of a chain's later steps are gathered beside one another first, so that kernels take one
/// buffer however many steps there are.
/// </content>
internal sealed partial class IlgpuTrainingDevice
{
    /// <summary>Longer than any sequence, and a row plus it is still a number.</summary>
    private const int MostReach = 1 << 30;

    public override void Attend(
        ReadOnlySpan<Activations> steps,
        AttentionShape shape,
        SequenceStarts sequences,
        int window,
        Activations y,
        Activations logSums
    )
    {
        var own = GatherOwn(steps, shape, sequences.Rows);
        _kernels.Attention(
            _stream,
            Blocks(sequences, shape, shape.HeadCount),
            Numbers(shape, sequences, window, steps.Length - 1),
            RowsView.Of(steps[0]),
            RowsView.Of(steps[^1]),
            RowsView.Of(own),
            RowsView.Of(y),
            RowsView.Of(logSums)
        );
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
        var rows = sequences.Rows;
        var numbers = Numbers(shape, sequences, window, steps.Length - 1);
        Reserve(ref _differences, rows, shape.HeadCount);
        _kernels.Differences(
            _stream,
            ByWarp(rows, shape.HeadCount),
            RowsView.Of(dy),
            RowsView.Of(y),
            shape.HeadSize,
            rows,
            RowsView.Of(_differences!)
        );
        _kernels.QueryGradients(
            _stream,
            Blocks(sequences, shape, shape.HeadCount),
            numbers,
            RowsView.Of(steps[0]),
            RowsView.Of(steps[^1]),
            RowsView.Of(dy),
            RowsView.Of(logSums),
            RowsView.Of(_differences!),
            RowsView.Of(gradients[^1])
        );
        _kernels.KeyValueGradients(
            _stream,
            Blocks(sequences, shape, shape.KvHeadCount),
            numbers,
            RowsView.Of(steps[0]),
            RowsView.Of(steps[^1]),
            RowsView.Of(dy),
            RowsView.Of(logSums),
            RowsView.Of(_differences!),
            RowsView.Of(gradients[0])
        );
        if (steps.Length > 1)
        {
            OwnGradients(steps, shape, numbers, logSums, dy, gradients, rows);
        }
    }

    private void OwnGradients(
        ReadOnlySpan<Activations> steps,
        AttentionShape shape,
        AttentionNumbers numbers,
        Activations logSums,
        Activations dy,
        ReadOnlySpan<Activations> gradients,
        int rows
    )
    {
        var own = GatherOwn(steps, shape, rows);
        Reserve(ref _ownGradient, rows, own.Width);
        Clear(_ownGradient!, rows);
        _kernels.OwnGradients(
            _stream,
            ByWarp(rows, shape.KvHeadCount),
            numbers,
            RowsView.Of(steps[^1]),
            RowsView.Of(own),
            RowsView.Of(dy),
            RowsView.Of(logSums),
            RowsView.Of(_differences!),
            RowsView.Of(gradients[^1]),
            RowsView.Of(_ownGradient!),
            rows
        );
        var width = 2 * shape.KvWidth;
        for (var step = 1; step < steps.Length; step++)
        {
            CopyColumns(_ownGradient!, (step - 1) * width, gradients[step], shape.QueryWidth, width, rows, adds: true);
        }
    }

    private Activations GatherOwn(ReadOnlySpan<Activations> steps, AttentionShape shape, int rows)
    {
        var width = 2 * shape.KvWidth;
        Reserve(ref _own, rows, Math.Max(1, steps.Length - 1) * width);
        for (var step = 1; step < steps.Length; step++)
        {
            CopyColumns(steps[step], shape.QueryWidth, _own!, (step - 1) * width, width, rows, adds: false);
        }

        return _own!;
    }

    private static AttentionNumbers Numbers(AttentionShape shape, SequenceStarts sequences, int window, int ownSteps) =>
        new()
        {
            HeadSize = shape.HeadSize,
            GroupSize = shape.GroupSize,
            KeyColumn = shape.QueryWidth,
            ValueColumn = shape.QueryWidth + shape.KvWidth,
            Scale = shape.Scale,
            BlocksPerSequence = BlocksPerSequence(sequences),
            Reach = Math.Max(1, Math.Min(window, MostReach) - ownSteps),
            OwnSteps = ownSteps,
            OwnWidth = 2 * shape.KvWidth,
            Starts = Indices(sequences.Device),
        };

    private static int BlocksPerSequence(SequenceStarts sequences) =>
        (sequences.Longest + TrainingAttentionKernels.BlockRows - 1) / TrainingAttentionKernels.BlockRows;

    private static KernelConfig Blocks(SequenceStarts sequences, AttentionShape shape, int heads) =>
        shape.HeadSize <= TrainingAttentionKernels.MaxHeadSize
            ? new KernelConfig(
                new Index2D(sequences.Count * BlocksPerSequence(sequences), heads),
                new Index2D(TrainingAttentionKernels.GroupSizeOf(shape.HeadSize), 1)
            )
            : throw new DeviceException(
                $"heads of {shape.HeadSize} values: training on a card takes at most {TrainingAttentionKernels.MaxHeadSize}; --device cpu takes any"
            );

    /// <summary>Makes room in a scratch buffer; work that uses the old one is waited for.</summary>
    private void Reserve(ref Activations? buffer, int rows, int width)
    {
        if (buffer is null || buffer.Capacity < rows || buffer.Width < width)
        {
            _stream.Synchronize();
            var capacity = Math.Max(rows, buffer?.Capacity ?? 0);
            var widest = Math.Max(width, buffer?.Width ?? 0);
            buffer?.Dispose();
            buffer = Allocate(capacity, widest);
        }
    }
}
