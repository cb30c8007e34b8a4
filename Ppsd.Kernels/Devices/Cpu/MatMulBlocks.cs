using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Ppsd.Kernels.Devices.Cpu;

/// <summary>
/// The inner loops of <see cref="CpuMatMul"/>: few outputs of few rows, held in registers over the columns of a block. Pointers are
/// worked out before a loop and nothing is called after it, or the compiler would keep the accumulators in memory. For the same
/// reason every accumulator is a variable of its own, and every number of rows has its loop.
/// </summary>
/// <remarks>
/// A panel holds what a column pair of a tile is multiplied with, one value after the other, so that each is read where a
/// pointer stands and nothing is added to it: with an index besides, an instruction that broadcasts becomes two. On one core of
/// an Intel Xeon (512-bit vectors) that somebody else kept busy too, 2048 x 11264 bf16: 63 G operations/s from eight rows in
/// place, 87 from panels of eight, 107 from panels of fourteen, of 155 that FMAs alone reach.
/// </remarks>
internal static unsafe class MatMulBlocks
{
    /// <summary>Tiles of <see cref="OneRow"/>.</summary>
    public const int TilesOfOneRow = 4;

    /// <summary>Rows of the largest block: 28 sums, two vectors of weights and the packed pair fill 31 of 32 registers.</summary>
    public const int MostRows = 14;

    /// <summary>Rows of the next block. The last block may have room for more than are left.</summary>
    public static int RowsOfNext(int left) =>
        left switch
        {
            > 16 or 14 or 13 => 14,
            > 6 => 8,
            > 4 => 6,
            > 2 => 4,
            _ => 2,
        };

    /// <summary>Four tiles for one row: eight chains hide the latency of FMA, four streams that of memory.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void OneRow<TPairs>(in MatMulBlock block)
        where TPairs : struct, IWeightPairs
    {
        var x = block.Row;
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
            var xEven = Vector512.Create(x[0]);
            var xOdd = Vector512.Create(x[1]);
            TPairs.Load(w0, out var even, out var odd);
            e0 = Vector512.FusedMultiplyAdd(even, xEven, e0);
            o0 = Vector512.FusedMultiplyAdd(odd, xOdd, o0);
            TPairs.Load(w1, out even, out odd);
            e1 = Vector512.FusedMultiplyAdd(even, xEven, e1);
            o1 = Vector512.FusedMultiplyAdd(odd, xOdd, o1);
            TPairs.Load(w2, out even, out odd);
            e2 = Vector512.FusedMultiplyAdd(even, xEven, e2);
            o2 = Vector512.FusedMultiplyAdd(odd, xOdd, o2);
            TPairs.Load(w3, out even, out odd);
            e3 = Vector512.FusedMultiplyAdd(even, xEven, e3);
            o3 = Vector512.FusedMultiplyAdd(odd, xOdd, o3);
            w0 += TPairs.Bytes;
            w1 += TPairs.Bytes;
            w2 += TPairs.Bytes;
            w3 += TPairs.Bytes;
            x += 2;
        }

        var sums = block.Sums;
        (e0 + o0).Store(sums);
        (e1 + o1).Store(sums + Lanes.Count);
        (e2 + o2).Store(sums + 2 * Lanes.Count);
        (e3 + o3).Store(sums + 3 * Lanes.Count);
    }

    /// <summary>One tile for two rows.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void TwoRows<TPairs>(in MatMulBlock block)
        where TPairs : struct, IWeightPairs
    {
        var w = block.Weights;
        var x = block.Panel;
        var pairs = block.Pairs;
        var sums = block.Sums;
        var e0 = Vector512.Load(sums);
        var e1 = Vector512.Load(sums + 2 * Lanes.Count);
        var o0 = Vector512.Load(sums + Lanes.Count);
        var o1 = Vector512.Load(sums + 3 * Lanes.Count);
        for (var k = 0; k < pairs; k++)
        {
            TPairs.Load(w, out var even, out var odd);
            w += TPairs.Bytes;
            e0 = MultiplyAdd(even, x, e0);
            o0 = MultiplyAdd(odd, x + 2, o0);
            e1 = MultiplyAdd(even, x + 1, e1);
            o1 = MultiplyAdd(odd, x + 3, o1);
            x += 4;
        }

        e0.Store(sums);
        o0.Store(sums + Lanes.Count);
        e1.Store(sums + 2 * Lanes.Count);
        o1.Store(sums + 3 * Lanes.Count);
    }

    /// <summary>One tile for four rows.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void FourRows<TPairs>(in MatMulBlock block)
        where TPairs : struct, IWeightPairs
    {
        var w = block.Weights;
        var x = block.Panel;
        var pairs = block.Pairs;
        var sums = block.Sums;
        var e0 = Vector512.Load(sums);
        var e1 = Vector512.Load(sums + 2 * Lanes.Count);
        var e2 = Vector512.Load(sums + 4 * Lanes.Count);
        var e3 = Vector512.Load(sums + 6 * Lanes.Count);
        var o0 = Vector512.Load(sums + Lanes.Count);
        var o1 = Vector512.Load(sums + 3 * Lanes.Count);
        var o2 = Vector512.Load(sums + 5 * Lanes.Count);
        var o3 = Vector512.Load(sums + 7 * Lanes.Count);
        for (var k = 0; k < pairs; k++)
        {
            TPairs.Load(w, out var even, out var odd);
            w += TPairs.Bytes;
            e0 = MultiplyAdd(even, x, e0);
            o0 = MultiplyAdd(odd, x + 4, o0);
            e1 = MultiplyAdd(even, x + 1, e1);
            o1 = MultiplyAdd(odd, x + 5, o1);
            e2 = MultiplyAdd(even, x + 2, e2);
            o2 = MultiplyAdd(odd, x + 6, o2);
            e3 = MultiplyAdd(even, x + 3, e3);
            o3 = MultiplyAdd(odd, x + 7, o3);
            x += 8;
        }

        e0.Store(sums);
        o0.Store(sums + Lanes.Count);
        e1.Store(sums + 2 * Lanes.Count);
        o1.Store(sums + 3 * Lanes.Count);
        e2.Store(sums + 4 * Lanes.Count);
        o2.Store(sums + 5 * Lanes.Count);
        e3.Store(sums + 6 * Lanes.Count);
        o3.Store(sums + 7 * Lanes.Count);
    }

    /// <summary>One tile for six rows.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void SixRows<TPairs>(in MatMulBlock block)
        where TPairs : struct, IWeightPairs
    {
        var w = block.Weights;
        var x = block.Panel;
        var pairs = block.Pairs;
        var sums = block.Sums;
        var e0 = Vector512.Load(sums);
        var e1 = Vector512.Load(sums + 2 * Lanes.Count);
        var e2 = Vector512.Load(sums + 4 * Lanes.Count);
        var e3 = Vector512.Load(sums + 6 * Lanes.Count);
        var e4 = Vector512.Load(sums + 8 * Lanes.Count);
        var e5 = Vector512.Load(sums + 10 * Lanes.Count);
        var o0 = Vector512.Load(sums + Lanes.Count);
        var o1 = Vector512.Load(sums + 3 * Lanes.Count);
        var o2 = Vector512.Load(sums + 5 * Lanes.Count);
        var o3 = Vector512.Load(sums + 7 * Lanes.Count);
        var o4 = Vector512.Load(sums + 9 * Lanes.Count);
        var o5 = Vector512.Load(sums + 11 * Lanes.Count);
        for (var k = 0; k < pairs; k++)
        {
            TPairs.Load(w, out var even, out var odd);
            w += TPairs.Bytes;
            e0 = MultiplyAdd(even, x, e0);
            o0 = MultiplyAdd(odd, x + 6, o0);
            e1 = MultiplyAdd(even, x + 1, e1);
            o1 = MultiplyAdd(odd, x + 7, o1);
            e2 = MultiplyAdd(even, x + 2, e2);
            o2 = MultiplyAdd(odd, x + 8, o2);
            e3 = MultiplyAdd(even, x + 3, e3);
            o3 = MultiplyAdd(odd, x + 9, o3);
            e4 = MultiplyAdd(even, x + 4, e4);
            o4 = MultiplyAdd(odd, x + 10, o4);
            e5 = MultiplyAdd(even, x + 5, e5);
            o5 = MultiplyAdd(odd, x + 11, o5);
            x += 12;
        }

        e0.Store(sums);
        o0.Store(sums + Lanes.Count);
        e1.Store(sums + 2 * Lanes.Count);
        o1.Store(sums + 3 * Lanes.Count);
        e2.Store(sums + 4 * Lanes.Count);
        o2.Store(sums + 5 * Lanes.Count);
        e3.Store(sums + 6 * Lanes.Count);
        o3.Store(sums + 7 * Lanes.Count);
        e4.Store(sums + 8 * Lanes.Count);
        o4.Store(sums + 9 * Lanes.Count);
        e5.Store(sums + 10 * Lanes.Count);
        o5.Store(sums + 11 * Lanes.Count);
    }

    /// <summary>One tile for eight rows.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void EightRows<TPairs>(in MatMulBlock block)
        where TPairs : struct, IWeightPairs
    {
        var w = block.Weights;
        var x = block.Panel;
        var pairs = block.Pairs;
        var sums = block.Sums;
        var e0 = Vector512.Load(sums);
        var e1 = Vector512.Load(sums + 2 * Lanes.Count);
        var e2 = Vector512.Load(sums + 4 * Lanes.Count);
        var e3 = Vector512.Load(sums + 6 * Lanes.Count);
        var e4 = Vector512.Load(sums + 8 * Lanes.Count);
        var e5 = Vector512.Load(sums + 10 * Lanes.Count);
        var e6 = Vector512.Load(sums + 12 * Lanes.Count);
        var e7 = Vector512.Load(sums + 14 * Lanes.Count);
        var o0 = Vector512.Load(sums + Lanes.Count);
        var o1 = Vector512.Load(sums + 3 * Lanes.Count);
        var o2 = Vector512.Load(sums + 5 * Lanes.Count);
        var o3 = Vector512.Load(sums + 7 * Lanes.Count);
        var o4 = Vector512.Load(sums + 9 * Lanes.Count);
        var o5 = Vector512.Load(sums + 11 * Lanes.Count);
        var o6 = Vector512.Load(sums + 13 * Lanes.Count);
        var o7 = Vector512.Load(sums + 15 * Lanes.Count);
        for (var k = 0; k < pairs; k++)
        {
            TPairs.Load(w, out var even, out var odd);
            w += TPairs.Bytes;
            e0 = MultiplyAdd(even, x, e0);
            o0 = MultiplyAdd(odd, x + 8, o0);
            e1 = MultiplyAdd(even, x + 1, e1);
            o1 = MultiplyAdd(odd, x + 9, o1);
            e2 = MultiplyAdd(even, x + 2, e2);
            o2 = MultiplyAdd(odd, x + 10, o2);
            e3 = MultiplyAdd(even, x + 3, e3);
            o3 = MultiplyAdd(odd, x + 11, o3);
            e4 = MultiplyAdd(even, x + 4, e4);
            o4 = MultiplyAdd(odd, x + 12, o4);
            e5 = MultiplyAdd(even, x + 5, e5);
            o5 = MultiplyAdd(odd, x + 13, o5);
            e6 = MultiplyAdd(even, x + 6, e6);
            o6 = MultiplyAdd(odd, x + 14, o6);
            e7 = MultiplyAdd(even, x + 7, e7);
            o7 = MultiplyAdd(odd, x + 15, o7);
            x += 16;
        }

        e0.Store(sums);
        o0.Store(sums + Lanes.Count);
        e1.Store(sums + 2 * Lanes.Count);
        o1.Store(sums + 3 * Lanes.Count);
        e2.Store(sums + 4 * Lanes.Count);
        o2.Store(sums + 5 * Lanes.Count);
        e3.Store(sums + 6 * Lanes.Count);
        o3.Store(sums + 7 * Lanes.Count);
        e4.Store(sums + 8 * Lanes.Count);
        o4.Store(sums + 9 * Lanes.Count);
        e5.Store(sums + 10 * Lanes.Count);
        o5.Store(sums + 11 * Lanes.Count);
        e6.Store(sums + 12 * Lanes.Count);
        o6.Store(sums + 13 * Lanes.Count);
        e7.Store(sums + 14 * Lanes.Count);
        o7.Store(sums + 15 * Lanes.Count);
    }

    /// <summary>One tile for fourteen rows.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void FourteenRows<TPairs>(in MatMulBlock block)
        where TPairs : struct, IWeightPairs
    {
        var w = block.Weights;
        var x = block.Panel;
        var pairs = block.Pairs;
        var sums = block.Sums;
        var e0 = Vector512.Load(sums);
        var e1 = Vector512.Load(sums + 2 * Lanes.Count);
        var e2 = Vector512.Load(sums + 4 * Lanes.Count);
        var e3 = Vector512.Load(sums + 6 * Lanes.Count);
        var e4 = Vector512.Load(sums + 8 * Lanes.Count);
        var e5 = Vector512.Load(sums + 10 * Lanes.Count);
        var e6 = Vector512.Load(sums + 12 * Lanes.Count);
        var e7 = Vector512.Load(sums + 14 * Lanes.Count);
        var e8 = Vector512.Load(sums + 16 * Lanes.Count);
        var e9 = Vector512.Load(sums + 18 * Lanes.Count);
        var e10 = Vector512.Load(sums + 20 * Lanes.Count);
        var e11 = Vector512.Load(sums + 22 * Lanes.Count);
        var e12 = Vector512.Load(sums + 24 * Lanes.Count);
        var e13 = Vector512.Load(sums + 26 * Lanes.Count);
        var o0 = Vector512.Load(sums + Lanes.Count);
        var o1 = Vector512.Load(sums + 3 * Lanes.Count);
        var o2 = Vector512.Load(sums + 5 * Lanes.Count);
        var o3 = Vector512.Load(sums + 7 * Lanes.Count);
        var o4 = Vector512.Load(sums + 9 * Lanes.Count);
        var o5 = Vector512.Load(sums + 11 * Lanes.Count);
        var o6 = Vector512.Load(sums + 13 * Lanes.Count);
        var o7 = Vector512.Load(sums + 15 * Lanes.Count);
        var o8 = Vector512.Load(sums + 17 * Lanes.Count);
        var o9 = Vector512.Load(sums + 19 * Lanes.Count);
        var o10 = Vector512.Load(sums + 21 * Lanes.Count);
        var o11 = Vector512.Load(sums + 23 * Lanes.Count);
        var o12 = Vector512.Load(sums + 25 * Lanes.Count);
        var o13 = Vector512.Load(sums + 27 * Lanes.Count);
        for (var k = 0; k < pairs; k++)
        {
            TPairs.Load(w, out var even, out var odd);
            w += TPairs.Bytes;
            e0 = MultiplyAdd(even, x, e0);
            o0 = MultiplyAdd(odd, x + 14, o0);
            e1 = MultiplyAdd(even, x + 1, e1);
            o1 = MultiplyAdd(odd, x + 15, o1);
            e2 = MultiplyAdd(even, x + 2, e2);
            o2 = MultiplyAdd(odd, x + 16, o2);
            e3 = MultiplyAdd(even, x + 3, e3);
            o3 = MultiplyAdd(odd, x + 17, o3);
            e4 = MultiplyAdd(even, x + 4, e4);
            o4 = MultiplyAdd(odd, x + 18, o4);
            e5 = MultiplyAdd(even, x + 5, e5);
            o5 = MultiplyAdd(odd, x + 19, o5);
            e6 = MultiplyAdd(even, x + 6, e6);
            o6 = MultiplyAdd(odd, x + 20, o6);
            e7 = MultiplyAdd(even, x + 7, e7);
            o7 = MultiplyAdd(odd, x + 21, o7);
            e8 = MultiplyAdd(even, x + 8, e8);
            o8 = MultiplyAdd(odd, x + 22, o8);
            e9 = MultiplyAdd(even, x + 9, e9);
            o9 = MultiplyAdd(odd, x + 23, o9);
            e10 = MultiplyAdd(even, x + 10, e10);
            o10 = MultiplyAdd(odd, x + 24, o10);
            e11 = MultiplyAdd(even, x + 11, e11);
            o11 = MultiplyAdd(odd, x + 25, o11);
            e12 = MultiplyAdd(even, x + 12, e12);
            o12 = MultiplyAdd(odd, x + 26, o12);
            e13 = MultiplyAdd(even, x + 13, e13);
            o13 = MultiplyAdd(odd, x + 27, o13);
            x += 28;
        }

        e0.Store(sums);
        o0.Store(sums + Lanes.Count);
        e1.Store(sums + 2 * Lanes.Count);
        o1.Store(sums + 3 * Lanes.Count);
        e2.Store(sums + 4 * Lanes.Count);
        o2.Store(sums + 5 * Lanes.Count);
        e3.Store(sums + 6 * Lanes.Count);
        o3.Store(sums + 7 * Lanes.Count);
        e4.Store(sums + 8 * Lanes.Count);
        o4.Store(sums + 9 * Lanes.Count);
        e5.Store(sums + 10 * Lanes.Count);
        o5.Store(sums + 11 * Lanes.Count);
        e6.Store(sums + 12 * Lanes.Count);
        o6.Store(sums + 13 * Lanes.Count);
        e7.Store(sums + 14 * Lanes.Count);
        o7.Store(sums + 15 * Lanes.Count);
        e8.Store(sums + 16 * Lanes.Count);
        o8.Store(sums + 17 * Lanes.Count);
        e9.Store(sums + 18 * Lanes.Count);
        o9.Store(sums + 19 * Lanes.Count);
        e10.Store(sums + 20 * Lanes.Count);
        o10.Store(sums + 21 * Lanes.Count);
        e11.Store(sums + 22 * Lanes.Count);
        o11.Store(sums + 23 * Lanes.Count);
        e12.Store(sums + 24 * Lanes.Count);
        o12.Store(sums + 25 * Lanes.Count);
        e13.Store(sums + 26 * Lanes.Count);
        o13.Store(sums + 27 * Lanes.Count);
    }

    /// <summary>A weight vector times one value of a row, which the instruction broadcasts itself.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> MultiplyAdd(Vector512<float> weights, float* x, Vector512<float> sum) =>
        Vector512.FusedMultiplyAdd(weights, Vector512.Create(*x), sum);
}
