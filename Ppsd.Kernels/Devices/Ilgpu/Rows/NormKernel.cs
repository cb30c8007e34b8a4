using ILGPU;
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

    /// <param name="x">[rows, stride of normed], row by row, padded with zeros.</param>
    /// <param name="normed">Receives the half-normed rows.</param>
    public static void Execute(ArrayView<float> x, NormedRowsView normed)
    {
        const int BlocksAtOnce = GroupSize / NormScale.BlockColumns;
        DependentLaunch.Release();
        DependentLaunch.Wait();
        var row = Grid.IdxX;
        for (var first = 0; first < normed.Blocks; first += BlocksAtOnce)
        {
            var block = first + Group.IdxX / NormScale.BlockColumns;
            var column = block * NormScale.BlockColumns + Group.IdxX % NormScale.BlockColumns;
            var isReal = block < normed.Blocks;
            var value = isReal ? x[(long)row * normed.Stride + column] : 0f;
            var squares = NormScale.BlockSum(value);
            if (isReal)
            {
                normed.Values[TileOrder.At(row, column, normed.Stride)] = UnfusedMath.Multiply(
                    value,
                    normed.Weight[column]
                );
                if (Group.IdxX % NormScale.BlockColumns == 0)
                {
                    normed.Partials[(long)row * normed.Blocks + block] = squares;
                }
            }
        }
    }
}
