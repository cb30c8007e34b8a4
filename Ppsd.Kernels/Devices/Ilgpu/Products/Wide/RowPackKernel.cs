using ILGPU;
using Ppsd.Kernels.Devices.Ilgpu.Driver;
using Ppsd.Kernels.Devices.Ilgpu.Lane;
using Ppsd.Kernels.Devices.Ilgpu.Rows;

namespace Ppsd.Kernels.Devices.Ilgpu.Products.Wide;

/// <summary>
/// Rounds rows to bf16 in the order tensor cores read them, [row blocks of 8, tilesPerRow, 32] loads of sixteen bytes, and
/// finds the second half of their norm. Lane 4 r + c of a tile has row r, columns 4 c to 4 c + 3 in two words. One thread a
/// load.
/// </summary>
/// <remarks>
/// The kernels that read them take a second part, which training needs (Ppsd.Kernels/Distillation). Here it is
/// zero: sums keep their bits, and cards without products by warpgroups, the only ones to come this way, lose no time that
/// they did not spend before.
/// </remarks>
internal static class RowPackKernel
{
    /// <summary>Threads of a group: a warp for each of the eight rows' norms.</summary>
    public const int GroupSize = 8 * GroupSum.WarpSize;

    /// <summary>Grid: groups of loads, blocks of eight rows.</summary>
    /// <param name="x">The rows, in <see cref="TileOrder"/>, padded with zeros to whole tiles.</param>
    /// <param name="rows">Rows; those past the last of a block become zeros.</param>
    /// <param name="tilesPerRow">Sixteens of columns.</param>
    /// <param name="packed">Receives them.</param>
    /// <param name="scales">Receives the rows' scales, [rows]; untouched for rows without a norm.</param>
    public static void Execute(
        NormedRowsView x,
        int rows,
        int tilesPerRow,
        ArrayView<UInt4> packed,
        ArrayView<float> scales
    )
    {
        DependentLaunch.Release();
        DependentLaunch.Wait();
        FindScale(x, rows, scales);
        var tile = (Grid.IdxX * GroupSize + Group.IdxX) >> 5;
        if (tile < tilesPerRow)
        {
            var lane = Group.IdxX & (GroupSum.WarpSize - 1);
            packed[((long)Grid.IdxY * tilesPerRow + tile) * GroupSum.WarpSize + lane] = Rounded(x, rows, tile, lane);
        }
    }

    /// <summary>The first group of a block of rows writes their scales, a warp each.</summary>
    public static void FindScale(NormedRowsView x, int rows, ArrayView<float> scales)
    {
        if (Grid.IdxX == 0 && x.Blocks > 0)
        {
            var normed = Grid.IdxY * 8 + (Group.IdxX >> 5);
            var scale = NormScale.OfRow(x, normed < rows ? normed : rows - 1);
            if ((Group.IdxX & (GroupSum.WarpSize - 1)) == 0 && normed < rows)
            {
                scales[normed] = scale;
            }
        }
    }

    /// <summary>A lane's four values, rounded to bf16; zeros of rows that do not exist, and where the residuals would stand.</summary>
    public static UInt4 Rounded(NormedRowsView x, int rows, int tile, int lane)
    {
        var row = Grid.IdxY * 8 + (lane >> 2);
        var rounded = new UInt4();
        if (row < rows)
        {
            var four = x.Values.Cast<Float4>()[TileOrder.At(row, 16 * tile + 4 * (lane & 3), x.Stride) >> 2];
            rounded.X = DeviceBFloat16.Pack(four.X, four.Y);
            rounded.Y = DeviceBFloat16.Pack(four.Z, four.W);
        }

        return rounded;
    }
}
