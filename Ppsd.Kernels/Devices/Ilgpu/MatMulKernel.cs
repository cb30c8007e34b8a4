using ILGPU;

namespace Ppsd.Kernels.Devices.Ilgpu;

/// <summary>
/// y[row] = W x[row]: one warp an output of one row. Lanes take every 32nd group of eight columns in order and are
/// summed by a fixed tree, so a row's bits do not depend on what else is in the launch.
/// </summary>
internal static class MatMulKernel
{
    /// <summary>Threads of a group.</summary>
    public const int GroupSize = 128;

    /// <summary>Outputs of a group.</summary>
    public const int OutputsPerGroup = GroupSize / GroupSum.WarpSize;

    /// <param name="weight">bf16, eight columns a load, [outputs, columnGroups].</param>
    /// <param name="x">[rows, 2 * columnGroups] loads of four values.</param>
    /// <param name="y">[rows, stride].</param>
    /// <param name="outputs">Rows of the matrix.</param>
    /// <param name="columnGroups">Eights of columns, padded with zeros.</param>
    /// <param name="stride">Values from one row of y to the next.</param>
    /// <param name="accumulate">1 to add to y.</param>
    public static void BFloat16Weights(
        ArrayView<UInt4> weight,
        ArrayView<Float4> x,
        ArrayView<float> y,
        int outputs,
        int columnGroups,
        int stride,
        int accumulate
    )
    {
        var lane = Group.IdxX % GroupSum.WarpSize;
        var output = Grid.IdxX * OutputsPerGroup + Group.IdxX / GroupSum.WarpSize;

        // A warp beyond the last output computes the last one again: every lane must reach the shuffles.
        var matrixRow = output < outputs ? output : outputs - 1;
        var w = (long)matrixRow * columnGroups;
        var v = (long)Grid.IdxY * columnGroups * 2;
        var sum = 0f;
        for (var i = lane; i < columnGroups; i += GroupSum.WarpSize)
        {
            var eight = weight[w + i];
            var low = x[v + 2 * i];
            var high = x[v + 2 * i + 1];
            sum += BFloat16.Low(eight.X) * low.X;
            sum += BFloat16.High(eight.X) * low.Y;
            sum += BFloat16.Low(eight.Y) * low.Z;
            sum += BFloat16.High(eight.Y) * low.W;
            sum += BFloat16.Low(eight.Z) * high.X;
            sum += BFloat16.High(eight.Z) * high.Y;
            sum += BFloat16.Low(eight.W) * high.Z;
            sum += BFloat16.High(eight.W) * high.W;
        }

        Finish(sum, lane, output, outputs, y, stride, accumulate);
    }

    /// <summary>As above with fp32 weights, four columns a load, [outputs, 2 * columnGroups].</summary>
    public static void Float32Weights(
        ArrayView<Float4> weight,
        ArrayView<Float4> x,
        ArrayView<float> y,
        int outputs,
        int columnGroups,
        int stride,
        int accumulate
    )
    {
        var lane = Group.IdxX % GroupSum.WarpSize;
        var output = Grid.IdxX * OutputsPerGroup + Group.IdxX / GroupSum.WarpSize;
        var matrixRow = output < outputs ? output : outputs - 1;
        var w = (long)matrixRow * columnGroups * 2;
        var v = (long)Grid.IdxY * columnGroups * 2;
        var sum = 0f;
        for (var i = lane; i < columnGroups; i += GroupSum.WarpSize)
        {
            var weightLow = weight[w + 2 * i];
            var weightHigh = weight[w + 2 * i + 1];
            var low = x[v + 2 * i];
            var high = x[v + 2 * i + 1];
            sum += weightLow.X * low.X;
            sum += weightLow.Y * low.Y;
            sum += weightLow.Z * low.Z;
            sum += weightLow.W * low.W;
            sum += weightHigh.X * high.X;
            sum += weightHigh.Y * high.Y;
            sum += weightHigh.Z * high.Z;
            sum += weightHigh.W * high.W;
        }

        Finish(sum, lane, output, outputs, y, stride, accumulate);
    }

    private static void Finish(
        float sum,
        int lane,
        int output,
        int outputs,
        ArrayView<float> y,
        int stride,
        int accumulate
    )
    {
        sum = GroupSum.OverWarp(sum);
        if (lane == 0 && output < outputs)
        {
            var at = (long)Grid.IdxY * stride + output;
            y[at] = accumulate != 0 ? y[at] + sum : sum;
        }
    }
}
