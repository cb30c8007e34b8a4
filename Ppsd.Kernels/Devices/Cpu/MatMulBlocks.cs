using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Ppsd.Kernels.Devices.Cpu;

/// <summary>
/// The inner loops of <see cref="CpuMatMul"/>: few outputs of few rows, held in registers over all columns. Pointers are
/// worked out before a loop and nothing is called after it, or the compiler would keep the accumulators in memory.
/// </summary>
internal static unsafe class MatMulBlocks
{
    /// <summary>Tiles of <see cref="OneRow"/>.</summary>
    public const int TilesOfOneRow = 4;

    /// <summary>Four tiles for one row: eight chains hide the latency of FMA, four streams that of memory.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void OneRow<TPairs>(in MatMulBlock block)
        where TPairs : struct, IWeightPairs
    {
        var x = block.X;
        var pairs = block.Pairs;
        var w0 = block.Weights;
        var w1 = w0 + block.TileBytes;
        var w2 = w1 + block.TileBytes;
        var w3 = w2 + block.TileBytes;
        Vector512<float> e0 = default,
            e1 = default,
            e2 = default,
            e3 = default;
        Vector512<float> o0 = default,
            o1 = default,
            o2 = default,
            o3 = default;
        for (var k = 0; k < pairs; k++)
        {
            var xEven = Vector512.Create(x[2 * k]);
            var xOdd = Vector512.Create(x[2 * k + 1]);
            TPairs.Load(w0, k, out var even, out var odd);
            e0 = Vector512.FusedMultiplyAdd(even, xEven, e0);
            o0 = Vector512.FusedMultiplyAdd(odd, xOdd, o0);
            TPairs.Load(w1, k, out even, out odd);
            e1 = Vector512.FusedMultiplyAdd(even, xEven, e1);
            o1 = Vector512.FusedMultiplyAdd(odd, xOdd, o1);
            TPairs.Load(w2, k, out even, out odd);
            e2 = Vector512.FusedMultiplyAdd(even, xEven, e2);
            o2 = Vector512.FusedMultiplyAdd(odd, xOdd, o2);
            TPairs.Load(w3, k, out even, out odd);
            e3 = Vector512.FusedMultiplyAdd(even, xEven, e3);
            o3 = Vector512.FusedMultiplyAdd(odd, xOdd, o3);
        }

        var y = block.Y;
        if (block.Accumulate)
        {
            (Vector512.Load(y) + (e0 + o0)).Store(y);
            (Vector512.Load(y + Lanes.Count) + (e1 + o1)).Store(y + Lanes.Count);
            (Vector512.Load(y + 2 * Lanes.Count) + (e2 + o2)).Store(y + 2 * Lanes.Count);
            (Vector512.Load(y + 3 * Lanes.Count) + (e3 + o3)).Store(y + 3 * Lanes.Count);
            return;
        }

        (e0 + o0).Store(y);
        (e1 + o1).Store(y + Lanes.Count);
        (e2 + o2).Store(y + 2 * Lanes.Count);
        (e3 + o3).Store(y + 3 * Lanes.Count);
    }

    /// <summary>One tile for one row.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void OneTile<TPairs>(in MatMulBlock block)
        where TPairs : struct, IWeightPairs
    {
        var w = block.Weights;
        var pairs = block.Pairs;
        var x0 = block.X;
        Vector512<float> e0 = default;
        Vector512<float> o0 = default;
        for (var k = 0; k < pairs; k++)
        {
            TPairs.Load(w, k, out var even, out var odd);
            var i = 2 * k;
            e0 = MultiplyAdd(even, x0 + i, e0);
            o0 = MultiplyAdd(odd, x0 + i + 1, o0);
        }

        var y = block.Y;
        if (block.Accumulate)
        {
            (Vector512.Load(y) + (e0 + o0)).Store(y);
            return;
        }

        (e0 + o0).Store(y);
    }

    /// <summary>One tile for two rows.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void TwoRows<TPairs>(in MatMulBlock block)
        where TPairs : struct, IWeightPairs
    {
        var w = block.Weights;
        var pairs = block.Pairs;
        var x0 = block.X;
        var x1 = x0 + block.XStride;
        Vector512<float> e0 = default,
            e1 = default;
        Vector512<float> o0 = default,
            o1 = default;
        for (var k = 0; k < pairs; k++)
        {
            TPairs.Load(w, k, out var even, out var odd);
            var i = 2 * k;
            e0 = MultiplyAdd(even, x0 + i, e0);
            o0 = MultiplyAdd(odd, x0 + i + 1, o0);
            e1 = MultiplyAdd(even, x1 + i, e1);
            o1 = MultiplyAdd(odd, x1 + i + 1, o1);
        }

        var y = block.Y;
        var stride = block.YStride;
        if (block.Accumulate)
        {
            (Vector512.Load(y) + (e0 + o0)).Store(y);
            (Vector512.Load(y + stride) + (e1 + o1)).Store(y + stride);
            return;
        }

        (e0 + o0).Store(y);
        (e1 + o1).Store(y + stride);
    }

    /// <summary>One tile for four rows.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void FourRows<TPairs>(in MatMulBlock block)
        where TPairs : struct, IWeightPairs
    {
        var w = block.Weights;
        var pairs = block.Pairs;
        var x0 = block.X;
        var x1 = x0 + block.XStride;
        var x2 = x1 + block.XStride;
        var x3 = x2 + block.XStride;
        Vector512<float> e0 = default,
            e1 = default,
            e2 = default,
            e3 = default;
        Vector512<float> o0 = default,
            o1 = default,
            o2 = default,
            o3 = default;
        for (var k = 0; k < pairs; k++)
        {
            TPairs.Load(w, k, out var even, out var odd);
            var i = 2 * k;
            e0 = MultiplyAdd(even, x0 + i, e0);
            o0 = MultiplyAdd(odd, x0 + i + 1, o0);
            e1 = MultiplyAdd(even, x1 + i, e1);
            o1 = MultiplyAdd(odd, x1 + i + 1, o1);
            e2 = MultiplyAdd(even, x2 + i, e2);
            o2 = MultiplyAdd(odd, x2 + i + 1, o2);
            e3 = MultiplyAdd(even, x3 + i, e3);
            o3 = MultiplyAdd(odd, x3 + i + 1, o3);
        }

        var y = block.Y;
        var stride = block.YStride;
        if (block.Accumulate)
        {
            (Vector512.Load(y) + (e0 + o0)).Store(y);
            (Vector512.Load(y + stride) + (e1 + o1)).Store(y + stride);
            (Vector512.Load(y + 2 * stride) + (e2 + o2)).Store(y + 2 * stride);
            (Vector512.Load(y + 3 * stride) + (e3 + o3)).Store(y + 3 * stride);
            return;
        }

        (e0 + o0).Store(y);
        (e1 + o1).Store(y + stride);
        (e2 + o2).Store(y + 2 * stride);
        (e3 + o3).Store(y + 3 * stride);
    }

    /// <summary>One tile for eight rows.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void EightRows<TPairs>(in MatMulBlock block)
        where TPairs : struct, IWeightPairs
    {
        var w = block.Weights;
        var pairs = block.Pairs;
        var x0 = block.X;
        var x1 = x0 + block.XStride;
        var x2 = x1 + block.XStride;
        var x3 = x2 + block.XStride;
        var x4 = x3 + block.XStride;
        var x5 = x4 + block.XStride;
        var x6 = x5 + block.XStride;
        var x7 = x6 + block.XStride;
        Vector512<float> e0 = default,
            e1 = default,
            e2 = default,
            e3 = default,
            e4 = default,
            e5 = default,
            e6 = default,
            e7 = default;
        Vector512<float> o0 = default,
            o1 = default,
            o2 = default,
            o3 = default,
            o4 = default,
            o5 = default,
            o6 = default,
            o7 = default;
        for (var k = 0; k < pairs; k++)
        {
            TPairs.Load(w, k, out var even, out var odd);
            var i = 2 * k;
            e0 = MultiplyAdd(even, x0 + i, e0);
            o0 = MultiplyAdd(odd, x0 + i + 1, o0);
            e1 = MultiplyAdd(even, x1 + i, e1);
            o1 = MultiplyAdd(odd, x1 + i + 1, o1);
            e2 = MultiplyAdd(even, x2 + i, e2);
            o2 = MultiplyAdd(odd, x2 + i + 1, o2);
            e3 = MultiplyAdd(even, x3 + i, e3);
            o3 = MultiplyAdd(odd, x3 + i + 1, o3);
            e4 = MultiplyAdd(even, x4 + i, e4);
            o4 = MultiplyAdd(odd, x4 + i + 1, o4);
            e5 = MultiplyAdd(even, x5 + i, e5);
            o5 = MultiplyAdd(odd, x5 + i + 1, o5);
            e6 = MultiplyAdd(even, x6 + i, e6);
            o6 = MultiplyAdd(odd, x6 + i + 1, o6);
            e7 = MultiplyAdd(even, x7 + i, e7);
            o7 = MultiplyAdd(odd, x7 + i + 1, o7);
        }

        var y = block.Y;
        var stride = block.YStride;
        if (block.Accumulate)
        {
            (Vector512.Load(y) + (e0 + o0)).Store(y);
            (Vector512.Load(y + stride) + (e1 + o1)).Store(y + stride);
            (Vector512.Load(y + 2 * stride) + (e2 + o2)).Store(y + 2 * stride);
            (Vector512.Load(y + 3 * stride) + (e3 + o3)).Store(y + 3 * stride);
            (Vector512.Load(y + 4 * stride) + (e4 + o4)).Store(y + 4 * stride);
            (Vector512.Load(y + 5 * stride) + (e5 + o5)).Store(y + 5 * stride);
            (Vector512.Load(y + 6 * stride) + (e6 + o6)).Store(y + 6 * stride);
            (Vector512.Load(y + 7 * stride) + (e7 + o7)).Store(y + 7 * stride);
            return;
        }

        (e0 + o0).Store(y);
        (e1 + o1).Store(y + stride);
        (e2 + o2).Store(y + 2 * stride);
        (e3 + o3).Store(y + 3 * stride);
        (e4 + o4).Store(y + 4 * stride);
        (e5 + o5).Store(y + 5 * stride);
        (e6 + o6).Store(y + 6 * stride);
        (e7 + o7).Store(y + 7 * stride);
    }

    /// <summary>A weight vector times one value of a row, which the instruction broadcasts itself.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> MultiplyAdd(Vector512<float> weights, float* x, Vector512<float> sum) =>
        Vector512.FusedMultiplyAdd(weights, Vector512.Create(*x), sum);
}
