using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Ppsd.Kernels.Devices.Cpu;

/// <summary>
/// y = factor * sum of weights[j] * v[j] over a row's context, in position order. Two heads that share values are summed
/// together, so that the values are read once; a head's bits are the same alone.
/// </summary>
internal static unsafe class AttentionValues
{
    private const int VectorsTogether = 4;

    /// <summary>One head.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void One(
        float* weights,
        float factor,
        AttentionShape shape,
        CpuKvMemory kv,
        in CpuRowContext context,
        int kvHead,
        float* y
    )
    {
        var sums = stackalloc float[kv.HeadStride];
        var values = kv.Values(kvHead);
        var stride = kv.HeadStride;
        var length = context.Length;
        var i = 0;
        for (; i <= kv.HeadStride - VectorsTogether * Lanes.Count; i += VectorsTogether * Lanes.Count)
        {
            Vector512<float> s0 = default,
                s1 = default,
                s2 = default,
                s3 = default;
            for (var j = 0; j < length; j++)
            {
                var v = values + (long)context.Slot(j) * stride + i;
                var weight = Vector512.Create(weights[j]);
                s0 = Vector512.FusedMultiplyAdd(weight, Vector512.Load(v), s0);
                s1 = Vector512.FusedMultiplyAdd(weight, Vector512.Load(v + Lanes.Count), s1);
                s2 = Vector512.FusedMultiplyAdd(weight, Vector512.Load(v + 2 * Lanes.Count), s2);
                s3 = Vector512.FusedMultiplyAdd(weight, Vector512.Load(v + 3 * Lanes.Count), s3);
            }

            s0.Store(sums + i);
            s1.Store(sums + i + Lanes.Count);
            s2.Store(sums + i + 2 * Lanes.Count);
            s3.Store(sums + i + 3 * Lanes.Count);
        }

        for (; i < kv.HeadStride; i += Lanes.Count)
        {
            var s = Vector512<float>.Zero;
            for (var j = 0; j < length; j++)
            {
                var v = values + (long)context.Slot(j) * stride + i;
                s = Vector512.FusedMultiplyAdd(Vector512.Create(weights[j]), Vector512.Load(v), s);
            }

            s.Store(sums + i);
        }

        for (i = 0; i < shape.HeadSize; i++)
        {
            y[i] = sums[i] * factor;
        }
    }

    /// <summary>Two heads side by side in the output, which share value head <paramref name="kvHead"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Two(
        float* firstWeights,
        float firstFactor,
        float* secondWeights,
        float secondFactor,
        AttentionShape shape,
        CpuKvMemory kv,
        in CpuRowContext context,
        int kvHead,
        float* y
    )
    {
        var headSize = shape.HeadSize;
        if (headSize % (VectorsTogether * Lanes.Count) != 0)
        {
            One(firstWeights, firstFactor, shape, kv, context, kvHead, y);
            One(secondWeights, secondFactor, shape, kv, context, kvHead, y + headSize);
            return;
        }

        var values = kv.Values(kvHead);
        var stride = kv.HeadStride;
        var length = context.Length;
        for (var i = 0; i < headSize; i += VectorsTogether * Lanes.Count)
        {
            Vector512<float> s0 = default,
                s1 = default,
                s2 = default,
                s3 = default;
            Vector512<float> t0 = default,
                t1 = default,
                t2 = default,
                t3 = default;
            for (var j = 0; j < length; j++)
            {
                var at = values + (long)context.Slot(j) * stride + i;
                var first = Vector512.Create(firstWeights[j]);
                var second = Vector512.Create(secondWeights[j]);
                var v = Vector512.Load(at);
                s0 = Vector512.FusedMultiplyAdd(first, v, s0);
                t0 = Vector512.FusedMultiplyAdd(second, v, t0);
                v = Vector512.Load(at + Lanes.Count);
                s1 = Vector512.FusedMultiplyAdd(first, v, s1);
                t1 = Vector512.FusedMultiplyAdd(second, v, t1);
                v = Vector512.Load(at + 2 * Lanes.Count);
                s2 = Vector512.FusedMultiplyAdd(first, v, s2);
                t2 = Vector512.FusedMultiplyAdd(second, v, t2);
                v = Vector512.Load(at + 3 * Lanes.Count);
                s3 = Vector512.FusedMultiplyAdd(first, v, s3);
                t3 = Vector512.FusedMultiplyAdd(second, v, t3);
            }

            var scale = Vector512.Create(firstFactor);
            (s0 * scale).Store(y + i);
            (s1 * scale).Store(y + i + Lanes.Count);
            (s2 * scale).Store(y + i + 2 * Lanes.Count);
            (s3 * scale).Store(y + i + 3 * Lanes.Count);
            scale = Vector512.Create(secondFactor);
            (t0 * scale).Store(y + headSize + i);
            (t1 * scale).Store(y + headSize + i + Lanes.Count);
            (t2 * scale).Store(y + headSize + i + 2 * Lanes.Count);
            (t3 * scale).Store(y + headSize + i + 3 * Lanes.Count);
        }
    }
}
