using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Ppsd.Kernels.Distillation.Cpu;

/// <summary>
/// The innermost loop of every product of training: a tile of <see cref="Rows"/> x <see cref="Columns"/> sums stays in
/// registers while a panel of each operand is read once, front to back.
/// </summary>
/// <remarks>
/// 24 sums, 2 vectors of the right operand and 1 broadcast value fill 27 of 32 registers, and 24 FMAs follow each 14 loads,
/// so neither loads nor the latency of an FMA limit the rate. Sums are over ascending k.
/// </remarks>
internal static unsafe class PanelProduct
{
    /// <summary>Rows of a tile: values of a left panel per k.</summary>
    public const int Rows = 12;

    /// <summary>Columns of a tile: values of a right panel per k.</summary>
    public const int Columns = 32;

    /// <summary>c[i, j] = (adds ? c[i, j] : 0) + sum over k of left[k, i] * right[k, j].</summary>
    /// <param name="left">Panel [depth, <see cref="Rows"/>].</param>
    /// <param name="right">Panel [depth, <see cref="Columns"/>], on a cache-line border.</param>
    /// <param name="depth">Length of the sums.</param>
    /// <param name="c">Tile [<see cref="Rows"/>, <see cref="Columns"/>].</param>
    /// <param name="stride">Values from one row of <paramref name="c"/> to the next.</param>
    /// <param name="adds">False to overwrite.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Execute(float* left, float* right, int depth, float* c, long stride, bool adds)
    {
        Vector512<float> a0 = default,
            b0 = default;
        Vector512<float> a1 = default,
            b1 = default;
        Vector512<float> a2 = default,
            b2 = default;
        Vector512<float> a3 = default,
            b3 = default;
        Vector512<float> a4 = default,
            b4 = default;
        Vector512<float> a5 = default,
            b5 = default;
        Vector512<float> a6 = default,
            b6 = default;
        Vector512<float> a7 = default,
            b7 = default;
        Vector512<float> a8 = default,
            b8 = default;
        Vector512<float> a9 = default,
            b9 = default;
        Vector512<float> a10 = default,
            b10 = default;
        Vector512<float> a11 = default,
            b11 = default;
        for (var k = 0; k < depth; k++)
        {
            var first = Vector512.Load(right);
            var second = Vector512.Load(right + 16);
            var x0 = Vector512.Create(left[0]);
            a0 = Vector512.FusedMultiplyAdd(x0, first, a0);
            b0 = Vector512.FusedMultiplyAdd(x0, second, b0);
            var x1 = Vector512.Create(left[1]);
            a1 = Vector512.FusedMultiplyAdd(x1, first, a1);
            b1 = Vector512.FusedMultiplyAdd(x1, second, b1);
            var x2 = Vector512.Create(left[2]);
            a2 = Vector512.FusedMultiplyAdd(x2, first, a2);
            b2 = Vector512.FusedMultiplyAdd(x2, second, b2);
            var x3 = Vector512.Create(left[3]);
            a3 = Vector512.FusedMultiplyAdd(x3, first, a3);
            b3 = Vector512.FusedMultiplyAdd(x3, second, b3);
            var x4 = Vector512.Create(left[4]);
            a4 = Vector512.FusedMultiplyAdd(x4, first, a4);
            b4 = Vector512.FusedMultiplyAdd(x4, second, b4);
            var x5 = Vector512.Create(left[5]);
            a5 = Vector512.FusedMultiplyAdd(x5, first, a5);
            b5 = Vector512.FusedMultiplyAdd(x5, second, b5);
            var x6 = Vector512.Create(left[6]);
            a6 = Vector512.FusedMultiplyAdd(x6, first, a6);
            b6 = Vector512.FusedMultiplyAdd(x6, second, b6);
            var x7 = Vector512.Create(left[7]);
            a7 = Vector512.FusedMultiplyAdd(x7, first, a7);
            b7 = Vector512.FusedMultiplyAdd(x7, second, b7);
            var x8 = Vector512.Create(left[8]);
            a8 = Vector512.FusedMultiplyAdd(x8, first, a8);
            b8 = Vector512.FusedMultiplyAdd(x8, second, b8);
            var x9 = Vector512.Create(left[9]);
            a9 = Vector512.FusedMultiplyAdd(x9, first, a9);
            b9 = Vector512.FusedMultiplyAdd(x9, second, b9);
            var x10 = Vector512.Create(left[10]);
            a10 = Vector512.FusedMultiplyAdd(x10, first, a10);
            b10 = Vector512.FusedMultiplyAdd(x10, second, b10);
            var x11 = Vector512.Create(left[11]);
            a11 = Vector512.FusedMultiplyAdd(x11, first, a11);
            b11 = Vector512.FusedMultiplyAdd(x11, second, b11);
            left += Rows;
            right += Columns;
        }

        if (adds)
        {
            a0 += Vector512.Load(c + 0 * stride);
            b0 += Vector512.Load(c + 0 * stride + 16);
            a1 += Vector512.Load(c + 1 * stride);
            b1 += Vector512.Load(c + 1 * stride + 16);
            a2 += Vector512.Load(c + 2 * stride);
            b2 += Vector512.Load(c + 2 * stride + 16);
            a3 += Vector512.Load(c + 3 * stride);
            b3 += Vector512.Load(c + 3 * stride + 16);
            a4 += Vector512.Load(c + 4 * stride);
            b4 += Vector512.Load(c + 4 * stride + 16);
            a5 += Vector512.Load(c + 5 * stride);
            b5 += Vector512.Load(c + 5 * stride + 16);
            a6 += Vector512.Load(c + 6 * stride);
            b6 += Vector512.Load(c + 6 * stride + 16);
            a7 += Vector512.Load(c + 7 * stride);
            b7 += Vector512.Load(c + 7 * stride + 16);
            a8 += Vector512.Load(c + 8 * stride);
            b8 += Vector512.Load(c + 8 * stride + 16);
            a9 += Vector512.Load(c + 9 * stride);
            b9 += Vector512.Load(c + 9 * stride + 16);
            a10 += Vector512.Load(c + 10 * stride);
            b10 += Vector512.Load(c + 10 * stride + 16);
            a11 += Vector512.Load(c + 11 * stride);
            b11 += Vector512.Load(c + 11 * stride + 16);
        }

        a0.Store(c + 0 * stride);
        b0.Store(c + 0 * stride + 16);
        a1.Store(c + 1 * stride);
        b1.Store(c + 1 * stride + 16);
        a2.Store(c + 2 * stride);
        b2.Store(c + 2 * stride + 16);
        a3.Store(c + 3 * stride);
        b3.Store(c + 3 * stride + 16);
        a4.Store(c + 4 * stride);
        b4.Store(c + 4 * stride + 16);
        a5.Store(c + 5 * stride);
        b5.Store(c + 5 * stride + 16);
        a6.Store(c + 6 * stride);
        b6.Store(c + 6 * stride + 16);
        a7.Store(c + 7 * stride);
        b7.Store(c + 7 * stride + 16);
        a8.Store(c + 8 * stride);
        b8.Store(c + 8 * stride + 16);
        a9.Store(c + 9 * stride);
        b9.Store(c + 9 * stride + 16);
        a10.Store(c + 10 * stride);
        b10.Store(c + 10 * stride + 16);
        a11.Store(c + 11 * stride);
        b11.Store(c + 11 * stride + 16);
    }
}
