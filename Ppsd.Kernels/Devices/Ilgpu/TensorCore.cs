using ILGPU;
using ILGPU.Runtime.Cuda;

namespace Ppsd.Kernels.Devices.Ilgpu;

/// <summary>A lane's part of 16 x 8 sums: rows lane / 4 and lane / 4 + 8, columns 2 (lane % 4) and the next.</summary>
internal struct TileSums
{
    public float Low0;
    public float Low1;
    public float High0;
    public float High1;
}

/// <summary>
/// Sums += W tile [16, 16] times x tile [16, 8], by one warp (mma.sync.m16n8k16: bf16 in, fp32 sums).
/// Within a tile the sixteen columns of W, which are the rows of x, are dealt out so that a lane's four activations are
/// neighbours: lane 4 r + q holds columns 4 q to 4 q + 3.
/// </summary>
internal static class TensorCore
{
    /// <summary>Rows of W in a tile.</summary>
    public const int TileRows = 16;

    /// <summary>Columns of W in a tile.</summary>
    public const int TileColumns = 16;

    /// <summary>Rows of x that one instruction multiplies; columns of the sums.</summary>
    public const int Width = 8;

    /// <summary>Words of shared memory a warp needs on the simulator.</summary>
    public const int ScratchWords = 6 * GroupSum.WarpSize;

    /// <param name="sums">What to add to.</param>
    /// <param name="weights">
    /// Lane 4 r + q: W[r][4 q, 4 q + 1], W[r + 8][4 q, 4 q + 1], W[r][4 q + 2, 4 q + 3], W[r + 8][4 q + 2, 4 q + 3].
    /// </param>
    /// <param name="first">Lane 4 c + q: x row c, columns 4 q and 4 q + 1.</param>
    /// <param name="second">Lane 4 c + q: x row c, columns 4 q + 2 and 4 q + 3.</param>
    /// <param name="scratch">The warp's <see cref="ScratchWords"/> words of shared memory; untouched on a card.</param>
    public static TileSums Multiply(TileSums sums, UInt4 weights, uint first, uint second, ArrayView<float> scratch)
    {
        if (!CudaAsm.IsSupported)
        {
            return Simulate(sums, weights, first, second, scratch);
        }

        var low0 = new Ref<float> { Value = sums.Low0 };
        var low1 = new Ref<float> { Value = sums.Low1 };
        var high0 = new Ref<float> { Value = sums.High0 };
        var high1 = new Ref<float> { Value = sums.High1 };
        var a0 = new Input<uint> { Value = weights.X };
        var a1 = new Input<uint> { Value = weights.Y };
        var a2 = new Input<uint> { Value = weights.Z };
        var a3 = new Input<uint> { Value = weights.W };
        var b0 = new Input<uint> { Value = first };
        var b1 = new Input<uint> { Value = second };
        CudaAsm.EmitRef(
            "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};",
            ref low0,
            ref low1,
            ref high0,
            ref high1,
            ref a0,
            ref a1,
            ref a2,
            ref a3,
            ref b0,
            ref b1
        );
        return new TileSums
        {
            Low0 = low0.Value,
            Low1 = low1.Value,
            High0 = high0.Value,
            High1 = high1.Value,
        };
    }

    /// <summary>The same sums, in an order of the simulator's own: lanes show each other their words.</summary>
    private static TileSums Simulate(TileSums sums, UInt4 weights, uint first, uint second, ArrayView<float> scratch)
    {
        const int X = 4 * GroupSum.WarpSize;
        var lane = Group.IdxX % GroupSum.WarpSize;
        scratch[4 * lane] = Interop.IntAsFloat(weights.X);
        scratch[4 * lane + 1] = Interop.IntAsFloat(weights.Y);
        scratch[4 * lane + 2] = Interop.IntAsFloat(weights.Z);
        scratch[4 * lane + 3] = Interop.IntAsFloat(weights.W);
        scratch[X + 2 * lane] = Interop.IntAsFloat(first);
        scratch[X + 2 * lane + 1] = Interop.IntAsFloat(second);
        Warp.Barrier();
        var row = lane / 4;
        var column = 2 * (lane % 4);
        for (var q = 0; q < 4; q++)
        {
            for (var pair = 0; pair < 2; pair++)
            {
                var low = Interop.FloatAsInt(scratch[4 * (4 * row + q) + 2 * pair]);
                var high = Interop.FloatAsInt(scratch[4 * (4 * row + q) + 2 * pair + 1]);
                var x0 = Interop.FloatAsInt(scratch[X + 2 * (4 * column + q) + pair]);
                var x1 = Interop.FloatAsInt(scratch[X + 2 * (4 * column + 4 + q) + pair]);
                sums.Low0 = Dot(sums.Low0, low, x0);
                sums.Low1 = Dot(sums.Low1, low, x1);
                sums.High0 = Dot(sums.High0, high, x0);
                sums.High1 = Dot(sums.High1, high, x1);
            }
        }

        Warp.Barrier();
        return sums;
    }

    /// <summary>A sum and two products, in the order in which the simulator adds everywhere.</summary>
    public static float Dot(float sum, uint weights, uint x) =>
        sum + BFloat16.Low(weights) * BFloat16.Low(x) + BFloat16.High(weights) * BFloat16.High(x);
}
