using ILGPU;
using Ppsd.Kernels.Devices.Ilgpu.Driver;
using Ppsd.Kernels.Devices.Ilgpu.Lane;
using Ppsd.Kernels.Devices.Ilgpu.Rows;

namespace Ppsd.Kernels.Devices.Ilgpu.Products.Wide;

/// <summary>
/// Splits rows into two bf16 parts in the order tensor cores read them, [row blocks of 8, tilesPerRow, 32] loads of
/// sixteen bytes, and finds the second half of their norm. Lane 4 r + c of a tile has row r, columns 4 c to 4 c + 3:
/// two words of high parts, two of residuals. One thread a load.
/// </summary>
internal static class RowPackKernel
{
    /// <summary>Threads of a group: a warp for each of the eight rows' norms.</summary>
    public const int GroupSize = 8 * GroupSum.WarpSize;

    /// <summary>Grid: groups of loads, blocks of eight rows.</summary>
    /// <param name="x">The rows, in <see cref="TileOrder"/>, padded with zeros to whole tiles.</param>
    /// <param name="rows">Rows; those past the last of a block become zeros.</param>
    /// <param name="tilesPerRow">Sixteens of columns.</param>
    /// <param name="packed">Receives the parts.</param>
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
            packed[((long)Grid.IdxY * tilesPerRow + tile) * GroupSum.WarpSize + lane] = PartsOf(x, rows, tile, lane);
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

    /// <summary>A lane's two words of high parts and two of residuals; zeros of rows that do not exist.</summary>
    public static UInt4 PartsOf(NormedRowsView x, int rows, int tile, int lane)
    {
        var row = Grid.IdxY * 8 + (lane >> 2);
        var parts = new UInt4();
        if (row < rows)
        {
            var four = x.Values.Cast<Float4>()[TileOrder.At(row, 16 * tile + 4 * (lane & 3), x.Stride) >> 2];
            parts.X = DeviceBFloat16.Pack(four.X, four.Y);
            parts.Y = DeviceBFloat16.Pack(four.Z, four.W);
            parts.Z = DeviceBFloat16.PackRest(four.X, four.Y, parts.X);
            parts.W = DeviceBFloat16.PackRest(four.Z, four.W, parts.Y);
        }

        return parts;
    }
}
