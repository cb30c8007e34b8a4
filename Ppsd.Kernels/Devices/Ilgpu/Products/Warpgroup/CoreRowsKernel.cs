using ILGPU;
using Ppsd.Kernels.Devices.Ilgpu.Driver;
using Ppsd.Kernels.Devices.Ilgpu.Lane;
using Ppsd.Kernels.Devices.Ilgpu.Products.Wide;
using Ppsd.Kernels.Devices.Ilgpu.Rows;

namespace Ppsd.Kernels.Devices.Ilgpu.Products.Warpgroup;

/// <summary>
/// Splits rows into two bf16 parts in the order of <see cref="CoreRowsView"/> and finds the second half of their norm, where the
/// kernel that made the rows did not. Threads, grid and scales are those of <see cref="RowPackKernel"/>.
/// </summary>
internal static class CoreRowsKernel
{
    private const int CoreWords = CoreRowsView.CoreWords;

    /// <param name="x">The rows, in <see cref="TileOrder"/>, padded with zeros to whole tiles.</param>
    /// <param name="rows">Rows; those past the last of a block become zeros.</param>
    /// <param name="tilesPerRow">Sixteens of columns.</param>
    /// <param name="tileShift">Base-2 logarithm of the row blocks in a tile of <see cref="WarpgroupProductKernel"/>.</param>
    /// <param name="packed">Receives the parts, two a word; see <see cref="CoreRowsView"/>.</param>
    /// <param name="scales">Receives the rows' scales, [rows]; untouched for rows without a norm.</param>
    /// <param name="counts">Made zero for the product that follows; see <see cref="SplitPartials"/>.</param>
    public static void Execute(
        NormedRowsView x,
        int rows,
        int tilesPerRow,
        int tileShift,
        ArrayView<uint> packed,
        ArrayView<float> scales,
        ArrayView<int> counts
    )
    {
        DependentLaunch.Release();
        DependentLaunch.Wait();
        RowPackKernel.FindScale(x, rows, scales);
        if (Grid.IdxX == 0 && Grid.IdxY == 0)
        {
            PartialCounts.Clear(counts, RowPackKernel.GroupSize);
        }

        var tile = (Grid.IdxX * RowPackKernel.GroupSize + Group.IdxX) >> 5;
        if (tile >= tilesPerRow)
        {
            return;
        }

        var lane = Group.IdxX & (GroupSum.WarpSize - 1);
        var parts = RowPackKernel.PartsOf(x, rows, tile, lane);
        var at = CoreRowsView.WordOf(Grid.IdxY, tile, tilesPerRow, tileShift) + lane;
        packed[at] = parts.X;
        packed[at + CoreWords] = parts.Y;
        packed[at + 2 * CoreWords] = parts.Z;
        packed[at + 3 * CoreWords] = parts.W;
    }

    /// <summary>What lane 4 r + <paramref name="lane"/> of <see cref="RowPackKernel"/> has of a row's part: four columns.</summary>
    public static ulong Words(ArrayView<uint> tile, int isLow, int row, int lane)
    {
        var at = isLow * 2 * CoreWords + row * 4 + lane;
        return tile[at] | ((ulong)tile[at + CoreWords] << 32);
    }
}
