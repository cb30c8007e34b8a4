using Ppsd.Kernels.Devices.Cpu;

namespace Ppsd.Kernels.Distillation.Cpu;

/// <summary>
/// Working memory of one thread of <see cref="AttentionWork"/> for a sequence and a block of its queries.
/// </summary>
internal sealed unsafe class CpuAttentionScratch(BlockProduct product, MemoryTally tally) : IDisposable
{
    /// <summary>Most own keys of a row: steps of a chain after the first.</summary>
    public const int MaxOwn = 15;

    private AlignedMemory? _memory;
    private int _rows;

    /// <summary>The thread's product.</summary>
    public BlockProduct Product { get; } = product;

    /// <summary>Keys for scores: outer values are keys, depth the head.</summary>
    public PackedOperand Keys { get; } = new(tally);

    /// <summary>Values for outputs: outer values are the head, depth the keys.</summary>
    public PackedOperand Values { get; } = new(tally);

    /// <summary>Keys for gradients of queries: outer values are the head, depth the keys.</summary>
    public PackedOperand KeysByDepth { get; } = new(tally);

    /// <summary>Values for gradients of probabilities: outer values are keys, depth the head.</summary>
    public PackedOperand ValuesByKey { get; } = new(tally);

    /// <summary>A block's queries, then its output gradients: outer values are the head, depth the rows.</summary>
    public PackedOperand BlockByRow { get; } = new(tally);

    /// <summary>Scores, then probabilities, [rows, keys].</summary>
    public float* Scores { get; private set; }

    /// <summary>Gradients of probabilities, then of scores, [rows, keys].</summary>
    public float* Gradients { get; private set; }

    /// <summary>Values from one row of scores to the next.</summary>
    public int ScoreStride { get; private set; }

    /// <summary>Scores or probabilities of a row's own later steps.</summary>
    public float* Own(int row) => Gradients + (long)_rows * ScoreStride + row * 2 * (MaxOwn + 1);

    /// <summary>Gradients of the scores of a row's own later steps.</summary>
    public float* OwnGradients(int row) => Own(row) + MaxOwn + 1;

    /// <summary>Bytes of a block's scores.</summary>
    public static long Bytes(int rows, int length) =>
        sizeof(float) * (2L * rows * StrideOf(length) + rows * 2L * (MaxOwn + 1));

    /// <summary>Makes room for a block's scores.</summary>
    public void Resize(int rows, int length)
    {
        _rows = rows;
        ScoreStride = StrideOf(length);
        var bytes = Bytes(rows, length);
        if (_memory is null || _memory.ByteCount < bytes)
        {
            _memory?.Dispose();
            _memory = new AlignedMemory(bytes, tally);
        }

        Scores = (float*)_memory.Pointer;
        Gradients = Scores + (long)rows * ScoreStride;
    }

    /// <summary>Sets a row's scores from <paramref name="count"/> up to whole vectors beyond <paramref name="end"/> to zero.</summary>
    public void ClearBeyond(int row, int count, int end)
    {
        var scores = Scores + (long)row * ScoreStride;
        new Span<float>(scores + count, Math.Min(ScoreStride, Lanes.RoundUp(end)) - count).Clear();
    }

    private static int StrideOf(int length) =>
        (length + PanelProduct.Columns - 1) / PanelProduct.Columns * PanelProduct.Columns;

    public void Dispose()
    {
        _memory?.Dispose();
        Keys.Dispose();
        Values.Dispose();
        KeysByDepth.Dispose();
        ValuesByKey.Dispose();
        BlockByRow.Dispose();
    }
}
