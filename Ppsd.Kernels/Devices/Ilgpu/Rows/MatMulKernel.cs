using ILGPU;
using Ppsd.Kernels.Devices.Ilgpu.Driver;
using Ppsd.Kernels.Devices.Ilgpu.Lane;

namespace Ppsd.Kernels.Devices.Ilgpu.Rows;

/// <summary>
/// y[row] = W x[row] with fp32 weights (fp16 and fp32 checkpoints): one warp an output of one row. Lanes take every 32nd
/// group of eight columns in order and are summed by a fixed tree, so a row's bits do not depend on what else is in the
/// launch.
/// </summary>
/// <remarks>
/// Rows and columns are padded with zeros to whole tiles; sixteen-byte alignment; NaN and infinity propagate; x and y do not
/// overlap. Reference: ReferenceOps.MatMul of the tests. One version: fp32 weights are for exactness, not for speed, and twice the
/// bytes bound it before anything else does.
/// </remarks>
internal static class MatMulKernel
{
    /// <summary>Threads of a group.</summary>
    public const int GroupSize = 128;

    /// <summary>Outputs of a group.</summary>
    public const int OutputsPerGroup = GroupSize / GroupSum.WarpSize;

    /// <param name="weight">Four columns a load, [outputs, 2 * columnGroups].</param>
    /// <param name="x">Input, in <see cref="TileOrder"/>; half-normed if it has partial sums.</param>
    /// <param name="y">[rows, stride].</param>
    /// <param name="outputs">Rows of the matrix.</param>
    /// <param name="columnGroups">Eights of columns, padded with zeros.</param>
    /// <param name="stride">Values from one row to the next.</param>
    /// <param name="accumulate">1 to add to y.</param>
    public static void Float32Weights(
        ArrayView<Float4> weight,
        NormedRowsView x,
        ArrayView<float> y,
        int outputs,
        int columnGroups,
        int stride,
        int accumulate
    )
    {
        DependentLaunch.Release();
        DependentLaunch.Wait();
        var lane = Group.IdxX % GroupSum.WarpSize;
        var output = Grid.IdxX * OutputsPerGroup + Group.IdxX / GroupSum.WarpSize;

        // A warp beyond the last output computes the last one again: every lane must reach the shuffles.
        var matrixRow = output < outputs ? output : outputs - 1;
        var w = (long)matrixRow * columnGroups * 2;
        var loads = x.Values.Cast<Float4>();
        var v = TileOrder.RowAt(Grid.IdxY, x.Stride);
        var sum = 0f;
        for (var i = lane; i < columnGroups; i += GroupSum.WarpSize)
        {
            var weightLow = weight[w + 2 * i];
            var weightHigh = weight[w + 2 * i + 1];
            var at = (v + TileOrder.ColumnAt(8 * i)) >> 2;
            var low = loads[at];
            var high = loads[at + 1];
            sum += weightLow.X * low.X;
            sum += weightLow.Y * low.Y;
            sum += weightLow.Z * low.Z;
            sum += weightLow.W * low.W;
            sum += weightHigh.X * high.X;
            sum += weightHigh.Y * high.Y;
            sum += weightHigh.Z * high.Z;
            sum += weightHigh.W * high.W;
        }

        sum = GroupSum.OverWarp(sum);
        if (x.Blocks > 0)
        {
            sum = UnfusedMath.Multiply(sum, NormScale.OfRow(x, Grid.IdxY));
        }

        if (lane == 0 && output < outputs)
        {
            var at = (long)Grid.IdxY * stride + output;
            y[at] = accumulate != 0 ? UnfusedMath.Add(y[at], sum) : sum;
        }
    }
}
