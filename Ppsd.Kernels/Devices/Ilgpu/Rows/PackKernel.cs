using ILGPU;
using Ppsd.Kernels.Devices.Ilgpu.Lane;
using Ppsd.Kernels.Weights;

namespace Ppsd.Kernels.Devices.Ilgpu.Rows;

/// <summary>
/// Lays a bf16 matrix out in tiles; one thread a lane's load of a tile, which holds values of two rows eight apart:
/// a low one and a high one. The grid is [tiles of a row, row blocks], a group a tile.
/// </summary>
internal static class PackKernel
{
    /// <param name="low">Rows of which the low ones are taken, two values a word, [rows, 8 * tilesPerRow].</param>
    /// <param name="high">Rows of which the high ones are taken.</param>
    /// <param name="blockRows">Rows from one block to the next, in both.</param>
    /// <param name="target">The tiles to fill.</param>
    public static void FromRows(
        ArrayView<uint> low,
        ArrayView<uint> high,
        int blockRows,
        ArrayView<UInt4> target,
        int tilesPerRow
    )
    {
        var lane = Group.IdxX;
        var row = (long)Grid.IdxY * blockRows + lane / 4;
        var at = row * tilesPerRow * 8 + Grid.IdxX * 8 + lane % 4 * 2;
        target[((long)Grid.IdxY * tilesPerRow + Grid.IdxX) * GroupSum.WarpSize + lane] = new UInt4
        {
            X = low[at],
            Y = high[at],
            Z = low[at + 1],
            W = high[at + 1],
        };
    }

    /// <summary>The same with generated values.</summary>
    /// <param name="low">The matrix of the low rows.</param>
    /// <param name="high">The matrix of the high rows.</param>
    /// <param name="target">The tiles to fill.</param>
    public static void FromGenerator(GeneratedRows low, GeneratedRows high, ArrayView<UInt4> target, int tilesPerRow)
    {
        var lane = Group.IdxX;
        var column = Grid.IdxX * TensorCore.TileColumns + lane % 4 * 4;
        target[((long)Grid.IdxY * tilesPerRow + Grid.IdxX) * GroupSum.WarpSize + lane] = new UInt4
        {
            X = low.Pair(Grid.IdxY, lane / 4, column),
            Y = high.Pair(Grid.IdxY, lane / 4, column),
            Z = low.Pair(Grid.IdxY, lane / 4, column + 2),
            W = high.Pair(Grid.IdxY, lane / 4, column + 2),
        };
    }
}

/// <summary>Rows of a <see cref="SyntheticWeight"/> in a kernel.</summary>
internal struct GeneratedRows
{
    /// <summary>Names the matrix.</summary>
    public uint Key;

    /// <summary>Value of one quantization step.</summary>
    public float StepSize;

    /// <summary>Rows of the matrix; beyond them values are zero.</summary>
    public int Rows;

    /// <summary>Columns of the matrix; beyond them values are zero.</summary>
    public int Columns;

    /// <summary>Row of the matrix that block 0 begins with.</summary>
    public int FirstRow;

    /// <summary>Rows from one block to the next.</summary>
    public int BlockRows;

    /// <summary>Two neighbouring values in a word.</summary>
    public readonly uint Pair(int block, int rowOfBlock, int column)
    {
        var row = FirstRow + block * BlockRows + rowOfBlock;
        var isRow = row < Rows;
        var first = isRow && column < Columns ? SyntheticWeight.ValueAt(Key, (uint)row, (uint)column, StepSize) : 0f;
        var second =
            isRow && column + 1 < Columns ? SyntheticWeight.ValueAt(Key, (uint)row, (uint)column + 1, StepSize) : 0f;
        return DeviceBFloat16.Pack(first, second);
    }
}
