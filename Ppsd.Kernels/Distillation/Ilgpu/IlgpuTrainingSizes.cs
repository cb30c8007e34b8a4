using Ppsd.Kernels.Devices.Ilgpu.Buffers;
using Ppsd.Kernels.Devices.Ilgpu.Lane;
using Ppsd.Kernels.Distillation.Compute;
using Ppsd.Kernels.Distillation.Ilgpu.Kernels;

namespace Ppsd.Kernels.Distillation.Ilgpu;

/// <summary>Sizes on a card: activations fp32, rows padded to whole tiles; frozen weights bf16 in tiles.</summary>
/// <param name="passTokens">Tokens of a pass; by default as many as suit the model's width.</param>
internal sealed class IlgpuTrainingSizes(int? passTokens = null) : TrainingSizes
{
    /// <summary>Bytes of a tile: 32 lanes of 16.</summary>
    private const int TileBytes = 16 * GroupSum.WarpSize;

    /// <summary>Buffers of 32 MB for each hidden state: wide models fill the card with fewer tokens.</summary>
    public override int PassTokens(int hiddenSize) => passTokens ?? Math.Clamp((1 << 23) / hiddenSize, 2048, 4096);

    /// <summary>Two blocks of logits of up to 128 MB.</summary>
    public override int LogitRows(int vocabSize) => Math.Clamp((1 << 25) / vocabSize, 256, 4096);

    public override long Activations(int rows, int width) => sizeof(float) * (long)rows * Tiles.RoundUp(width);

    /// <summary>Four parts, and where it is a small matrix the tiles of both products.</summary>
    public override long Trained(int rows, int columns) =>
        (4L * sizeof(float) * rows * columns)
        + (rows > 1 && IlgpuTrainedMatrix.Keeps(rows, columns) ? Tiled(rows, columns) + Tiled(columns, rows) : 0);

    public override long Frozen(MatrixUses uses, int rows, int columns) =>
        rows == 1
            ? sizeof(float) * (long)columns
            : (uses.HasFlag(MatrixUses.Rows) ? sizeof(ushort) * (long)rows * columns : 0)
                + (uses.HasFlag(MatrixUses.Products) ? Tiled(rows, columns) : 0)
                + (uses.HasFlag(MatrixUses.InputGradients) ? Tiled(columns, rows) : 0);

    /// <summary>The fp32 rows that are packed at a time.</summary>
    public override long Loading(MatrixUses uses, int rows, int columns) =>
        rows == 1
            ? 0
            : sizeof(float) * (long)Math.Min(rows, IlgpuTrainingDevice.RowsAtOnce(uses, rows, columns)) * columns;

    public override long Work(TrainingWork work)
    {
        var left = work.Products.Max(product =>
            (product.Rows + TensorCore.Width - 1) / TensorCore.Width * (long)Tiles.PerRow(product.Depth) * TileBytes
        );
        var right = work
            .Products.Where(product =>
                product.Right == RightOperand.Activations
                || (product.Right == RightOperand.Trained && !IlgpuTrainedMatrix.Keeps(product.Outputs, product.Depth))
            )
            .Select(product => Tiled(product.Outputs, product.Depth))
            .DefaultIfEmpty()
            .Max();
        var own = Activations(work.Rows, Math.Max(1, work.ChainSteps - 2) * 2 * work.Shape.KvWidth);
        var chunks = (work.Rows + NormKernels.ChunkRows - 1) / NormKernels.ChunkRows;
        return left
            + right
            + own
            + (work.Attends ? Activations(work.Rows, work.Shape.HeadCount) : 0)
            + (work.ChainSteps > 2 ? own : 0)
            + (sizeof(float) * (long)chunks * work.WidestVector)
            + IlgpuTrainingDevice.FixedBytes;
    }

    private static long Tiled(int rows, int columns) => (long)Tiles.RowBlocks(rows) * Tiles.PerRow(columns) * TileBytes;
}
