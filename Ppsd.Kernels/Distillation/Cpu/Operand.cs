using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Ppsd.Kernels.Distillation.Cpu;

/// <summary>
/// A matrix that a product reads: value (i, k) lies at <c>Data[i * OuterStride + k * DepthStride]</c>, where k is what is
/// summed over. One of the strides is 1, which covers a matrix and its transpose.
/// </summary>
internal readonly unsafe struct Operand(float* data, long outerStride, long depthStride)
{
    /// <summary>Value (0, 0).</summary>
    public float* Data { get; } = data;

    /// <summary>Values from i to i + 1.</summary>
    public long OuterStride { get; } = outerStride;

    /// <summary>Values from k to k + 1.</summary>
    public long DepthStride { get; } = depthStride;

    /// <summary>The operand from (i, k) on.</summary>
    public Operand From(long outer, long depth) =>
        new(Data + outer * OuterStride + depth * DepthStride, OuterStride, DepthStride);

    /// <summary>Copies values (0 .. count, 0 .. depth) into a panel [depth, width], zeros beyond count.</summary>
    /// <param name="count">Values of i, up to <paramref name="width"/>.</param>
    /// <param name="depth">Values of k.</param>
    /// <param name="panel">Receives them.</param>
    /// <param name="width">Values of the panel per k; a multiple of 4.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Pack(int count, int depth, float* panel, int width)
    {
        if (count < width)
        {
            PackNarrow(count, depth, panel, width);
        }
        else if (OuterStride == 1)
        {
            for (var k = 0; k < depth; k++)
            {
                var source = Data + k * DepthStride;
                for (var i = 0; i < width; i += 4)
                {
                    Vector128.Load(source + i).Store(panel + i);
                }

                panel += width;
            }
        }
        else
        {
            PackTransposed(depth, panel, width);
        }
    }

    /// <summary>Four rows by four depths at a time: a 4 x 4 transpose in registers.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void PackTransposed(int depth, float* panel, int width)
    {
        for (var i = 0; i < width; i += 4)
        {
            var source = Data + i * OuterStride;
            var target = panel + i;
            var k = 0;
            for (; k <= depth - 4; k += 4)
            {
                var r0 = Vector128.Load(source + k);
                var r1 = Vector128.Load(source + k + OuterStride);
                var r2 = Vector128.Load(source + k + 2 * OuterStride);
                var r3 = Vector128.Load(source + k + 3 * OuterStride);
                var low01 = Interleave(r0, r1);
                var high01 = InterleaveUpper(r0, r1);
                var low23 = Interleave(r2, r3);
                var high23 = InterleaveUpper(r2, r3);
                Vector128.Create(low01.GetLower(), low23.GetLower()).Store(target);
                Vector128.Create(low01.GetUpper(), low23.GetUpper()).Store(target + width);
                Vector128.Create(high01.GetLower(), high23.GetLower()).Store(target + 2 * width);
                Vector128.Create(high01.GetUpper(), high23.GetUpper()).Store(target + 3 * width);
                target += 4 * width;
            }

            for (; k < depth; k++)
            {
                for (var j = 0; j < 4; j++)
                {
                    target[j] = source[j * OuterStride + k];
                }

                target += width;
            }
        }
    }

    private void PackNarrow(int count, int depth, float* panel, int width)
    {
        for (var k = 0; k < depth; k++)
        {
            for (var i = 0; i < width; i++)
            {
                panel[i] = i < count ? Data[i * OuterStride + k * DepthStride] : 0f;
            }

            panel += width;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> Interleave(Vector128<float> a, Vector128<float> b) =>
        System.Runtime.Intrinsics.X86.Sse.IsSupported
            ? System.Runtime.Intrinsics.X86.Sse.UnpackLow(a, b)
            : Vector128.Create(a[0], b[0], a[1], b[1]);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> InterleaveUpper(Vector128<float> a, Vector128<float> b) =>
        System.Runtime.Intrinsics.X86.Sse.IsSupported
            ? System.Runtime.Intrinsics.X86.Sse.UnpackHigh(a, b)
            : Vector128.Create(a[2], b[2], a[3], b[3]);
}
