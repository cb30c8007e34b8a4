using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Ppsd.Kernels.Devices.Cpu;

/// <summary>
/// scores[j] = q . k[j] * scale over a row's context, four positions at a time. Two heads that share keys are scored
/// together, so that the keys are read once; a head's bits are the same alone.
/// </summary>
internal static unsafe class AttentionScores
{
    private const int PositionsTogether = 4;

    /// <summary>One head.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void One(
        float* query,
        AttentionShape shape,
        CpuKvMemory kv,
        in CpuRowContext context,
        int kvHead,
        float* scores
    )
    {
        var padded = stackalloc float[kv.HeadStride];
        Pad(query, shape.HeadSize, padded, kv.HeadStride);
        var scale = Vector128.Create(shape.Scale);
        var keys = kv.Keys(kvHead);
        var width = kv.HeadStride;
        var last = context.Length - 1;
        for (var j = 0; j <= last; j += PositionsTogether)
        {
            // Past the end the last position is scored again and overwritten below.
            var k0 = keys + (long)context.Slot(j) * width;
            var k1 = keys + (long)context.Slot(Math.Min(j + 1, last)) * width;
            var k2 = keys + (long)context.Slot(Math.Min(j + 2, last)) * width;
            var k3 = keys + (long)context.Slot(Math.Min(j + 3, last)) * width;
            Vector512<float> s0 = default,
                s1 = default,
                s2 = default,
                s3 = default;
            for (var i = 0; i < width; i += Lanes.Count)
            {
                var q = Vector512.Load(padded + i);
                s0 = Vector512.FusedMultiplyAdd(q, Vector512.Load(k0 + i), s0);
                s1 = Vector512.FusedMultiplyAdd(q, Vector512.Load(k1 + i), s1);
                s2 = Vector512.FusedMultiplyAdd(q, Vector512.Load(k2 + i), s2);
                s3 = Vector512.FusedMultiplyAdd(q, Vector512.Load(k3 + i), s3);
            }

            (Lanes.Sum(s0, s1, s2, s3) * scale).Store(scores + j);
        }

        Exclude(scores, context.Length);
    }

    /// <summary>Two heads side by side in the query, which share key head <paramref name="kvHead"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Two(
        float* query,
        AttentionShape shape,
        CpuKvMemory kv,
        in CpuRowContext context,
        int kvHead,
        float* firstScores,
        float* secondScores
    )
    {
        var first = stackalloc float[kv.HeadStride];
        var second = stackalloc float[kv.HeadStride];
        Pad(query, shape.HeadSize, first, kv.HeadStride);
        Pad(query + shape.HeadSize, shape.HeadSize, second, kv.HeadStride);
        var scale = Vector128.Create(shape.Scale);
        var keys = kv.Keys(kvHead);
        var width = kv.HeadStride;
        var last = context.Length - 1;
        for (var j = 0; j <= last; j += PositionsTogether)
        {
            var k0 = keys + (long)context.Slot(j) * width;
            var k1 = keys + (long)context.Slot(Math.Min(j + 1, last)) * width;
            var k2 = keys + (long)context.Slot(Math.Min(j + 2, last)) * width;
            var k3 = keys + (long)context.Slot(Math.Min(j + 3, last)) * width;
            Vector512<float> s0 = default,
                s1 = default,
                s2 = default,
                s3 = default;
            Vector512<float> t0 = default,
                t1 = default,
                t2 = default,
                t3 = default;
            for (var i = 0; i < width; i += Lanes.Count)
            {
                var q = Vector512.Load(first + i);
                var r = Vector512.Load(second + i);
                var k = Vector512.Load(k0 + i);
                s0 = Vector512.FusedMultiplyAdd(q, k, s0);
                t0 = Vector512.FusedMultiplyAdd(r, k, t0);
                k = Vector512.Load(k1 + i);
                s1 = Vector512.FusedMultiplyAdd(q, k, s1);
                t1 = Vector512.FusedMultiplyAdd(r, k, t1);
                k = Vector512.Load(k2 + i);
                s2 = Vector512.FusedMultiplyAdd(q, k, s2);
                t2 = Vector512.FusedMultiplyAdd(r, k, t2);
                k = Vector512.Load(k3 + i);
                s3 = Vector512.FusedMultiplyAdd(q, k, s3);
                t3 = Vector512.FusedMultiplyAdd(r, k, t3);
            }

            (Lanes.Sum(s0, s1, s2, s3) * scale).Store(firstScores + j);
            (Lanes.Sum(t0, t1, t2, t3) * scale).Store(secondScores + j);
        }

        Exclude(firstScores, context.Length);
        Exclude(secondScores, context.Length);
    }

    /// <summary>
    /// The query may end inside a vector; what follows it in the row is another head. A padded copy makes the products
    /// beyond the head size zero, as they are in the cache.
    /// </summary>
    private static void Pad(float* query, int headSize, float* padded, int width)
    {
        for (var i = 0; i < width; i++)
        {
            padded[i] = i < headSize ? query[i] : 0f;
        }
    }

    private static void Exclude(float* scores, int length)
    {
        for (var j = length; j < Lanes.RoundUp(length); j++)
        {
            scores[j] = float.NegativeInfinity;
        }
    }
}
