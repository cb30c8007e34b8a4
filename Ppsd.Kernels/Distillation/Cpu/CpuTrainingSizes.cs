using Ppsd.Kernels.Devices.Cpu;
using Ppsd.Kernels.Distillation.Compute;

namespace Ppsd.Kernels.Distillation.Cpu;

/// <summary>Sizes on the CPU: fp32, rows padded to whole vectors, weights in panels of 32 values.</summary>
/// <param name="threads">Threads, each with scratch of its own.</param>
/// <param name="passTokens">Tokens of a pass; by default as many as keep a layer's activations in the last-level cache.</param>
internal sealed class CpuTrainingSizes(int threads, int passTokens = CpuTrainingSizes.DefaultPassTokens) : TrainingSizes
{
    public const int DefaultPassTokens = 1024;

    public override int PassTokens(int hiddenSize) => passTokens;

    /// <summary>Two blocks of logits of 4 MB.</summary>
    public override int LogitRows(int vocabSize) => Math.Clamp((1 << 20) / vocabSize, 48, 1024);

    public override long Activations(int rows, int width) => sizeof(float) * (long)rows * Lanes.RoundUp(width);

    /// <summary>Four parts, and where it is a matrix both packed copies.</summary>
    public override long Trained(int rows, int columns) =>
        (4 * Activations(rows, columns)) + (rows > 1 ? Packed(rows, columns) + Packed(columns, rows) : 0);

    public override long Frozen(MatrixUses uses, int rows, int columns) =>
        (uses.HasFlag(MatrixUses.Rows) ? Activations(rows, columns) : 0)
        + (uses.HasFlag(MatrixUses.Products) ? Packed(rows, columns) : 0)
        + (uses.HasFlag(MatrixUses.InputGradients) ? Packed(columns, rows) : 0);

    /// <summary>The rows that are packed.</summary>
    public override long Loading(MatrixUses uses, int rows, int columns) =>
        uses.HasFlag(MatrixUses.Rows) ? 0 : Activations(rows, columns);

    public override long Work(TrainingWork work)
    {
        var packed = work
            .Products.Where(product => product.Right == RightOperand.Activations)
            .Select(product => Packed(TeamProduct.ColumnsAtOnce(product.Outputs, product.Depth), product.Depth))
            .DefaultIfEmpty()
            .Max();
        var partialSums = sizeof(float) * (long)RowWork.Chunks(work.Rows) * Lanes.RoundUp(work.WidestVector);
        return packed + partialSums + threads * (BlockProduct.ScratchBytes + Attention(work));
    }

    /// <summary>Scratch of a thread that attends.</summary>
    private static long Attention(TrainingWork work)
    {
        var (length, size) = (work.LongestSequence, work.Shape.HeadSize);
        var forward = Packed(length, size) + Packed(size, length);
        var backward = Packed(size, length) + Packed(length, size) + Packed(size, AttentionWork.BlockRows);
        return CpuAttentionScratch.Bytes(AttentionWork.BlockRows, length) + forward + (work.Attends ? backward : 0);
    }

    private static long Packed(int count, int depth) => PackedOperand.Bytes(count, depth);
}
