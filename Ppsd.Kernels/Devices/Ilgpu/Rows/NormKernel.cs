using ILGPU;
using ILGPU.Algorithms;
using Ppsd.Kernels.Devices.Ilgpu.Driver;
using Ppsd.Kernels.Devices.Ilgpu.Lane;

namespace Ppsd.Kernels.Devices.Ilgpu.Rows;

/// <summary>
/// The first half of a norm on its own, where no product that feeds the row could do it: one group a row, half a warp a
/// block of 16 values.
/// </summary>
internal static class NormKernel
{
    /// <summary>Threads of a group.</summary>
    public const int GroupSize = 512;

    private const int BlocksAtOnce = GroupSize / NormScale.BlockColumns;

    /// <param name="x">[rows, stride of normed], row by row, padded with zeros.</param>
    /// <param name="normed">Receives the half-normed rows.</param>
    /// <param name="cores">Receives them in parts, and the rows' scales, where a product by warpgroups follows.</param>
    public static void Execute(ArrayView<float> x, NormedRowsView normed, NormedCoresView cores)
    {
        DependentLaunch.Release();
        DependentLaunch.Wait();
        var row = Grid.IdxX;
        var inBlock = Group.IdxX % NormScale.BlockColumns;
        var at = (long)row * normed.Stride;
        for (var start = 0; start < normed.Blocks; start += 4 * BlocksAtOnce)
        {
            // Four loads at once: one after another each waits for memory. Past the row's end the last block is read again.
            var first = start + Group.IdxX / NormScale.BlockColumns;
            var second = first + BlocksAtOnce;
            var third = second + BlocksAtOnce;
            var fourth = third + BlocksAtOnce;
            var value1 = x[at + ColumnOf(first, inBlock, normed.Blocks)];
            var value2 = x[at + ColumnOf(second, inBlock, normed.Blocks)];
            var value3 = x[at + ColumnOf(third, inBlock, normed.Blocks)];
            var value4 = x[at + ColumnOf(fourth, inBlock, normed.Blocks)];
            var weight1 = normed.Weight[ColumnOf(first, inBlock, normed.Blocks)];
            var weight2 = normed.Weight[ColumnOf(second, inBlock, normed.Blocks)];
            var weight3 = normed.Weight[ColumnOf(third, inBlock, normed.Blocks)];
            var weight4 = normed.Weight[ColumnOf(fourth, inBlock, normed.Blocks)];
            Store(normed, cores.Rows, row, first, inBlock, value1, weight1);
            Store(normed, cores.Rows, row, second, inBlock, value2, weight2);
            Store(normed, cores.Rows, row, third, inBlock, value3, weight3);
            Store(normed, cores.Rows, row, fourth, inBlock, value4, weight4);
        }

        if (!cores.Rows.IsUsed)
        {
            return;
        }

        // The row's scale is of partial sums that this group has written.
        Group.Barrier();
        if (Group.IdxX < GroupSum.WarpSize)
        {
            var scale = NormScale.OfRow(normed, row);
            if (Group.IdxX == 0)
            {
                cores.Scales[row] = scale;
            }
        }

        if (row == 0)
        {
            PartialCounts.Clear(cores.Counts, GroupSize);
        }
    }

    private static int ColumnOf(int block, int inBlock, int blocks) =>
        XMath.Min(block, blocks - 1) * NormScale.BlockColumns + inBlock;

    /// <summary>All lanes of a warp must arrive.</summary>
    private static void Store(
        in NormedRowsView normed,
        in CoreRowsView cores,
        int row,
        int block,
        int inBlock,
        float value,
        float weight
    )
    {
        var squares = NormScale.BlockSum(value);
        var half = UnfusedMath.Multiply(value, weight);
        var beside = Warp.ShuffleXor(half, 1);
        if (block >= normed.Blocks)
        {
            return;
        }

        var column = block * NormScale.BlockColumns + inBlock;
        normed.Values[TileOrder.At(row, column, normed.Stride)] = half;
        if (cores.IsUsed)
        {
            cores.StoreHalfPair(row, column, half, beside);
        }

        if (inBlock == 0)
        {
            normed.Partials[(long)row * normed.Blocks + block] = squares;
        }
    }
}
