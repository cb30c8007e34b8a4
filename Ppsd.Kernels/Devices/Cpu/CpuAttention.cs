using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Ppsd.Kernels.Model;

namespace Ppsd.Kernels.Devices.Cpu;

/// <summary>
/// Attention of one row over its context. Scores, their sum and the weighted values are all taken in position order
/// over logical positions, so neither the slots' places in memory nor how the context came to be changes a bit.
/// </summary>
internal static unsafe class CpuAttention
{
    private const int PositionsTogether = 4;
    private const int VectorsTogether = 4;

    /// <summary>Floats of scratch one call needs for a context of <paramref name="length"/> positions.</summary>
    public static int ScratchLength(int length) => Lanes.RoundUp(length);

    /// <summary>All query heads of one row that share key/value head <paramref name="kvHead"/>.</summary>
    public static void Execute(
        float* qkv,
        AttentionShape shape,
        CpuKvMemory kv,
        in RowContext context,
        int kvHead,
        float* scores,
        float* y
    )
    {
        var firstHead = kvHead * shape.GroupSize;
        for (var head = firstHead; head < firstHead + shape.GroupSize; head++)
        {
            Score(qkv + head * shape.HeadSize, shape, kv, context, kvHead, scores);
            var total = Exponentiate(scores, context.Length);
            WeighValues(scores, 1f / total, shape, kv, context, kvHead, y + head * shape.HeadSize);
        }
    }

    /// <summary>scores[j] = q . k[j] * scale.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Score(
        float* query,
        AttentionShape shape,
        CpuKvMemory kv,
        in RowContext context,
        int kvHead,
        float* scores
    )
    {
        // The query may end inside a vector; what follows it in the row is another head. A padded copy makes the
        // products beyond the head size zero, as they are in the cache.
        var padded = stackalloc float[kv.HeadStride];
        for (var i = 0; i < kv.HeadStride; i++)
        {
            padded[i] = i < shape.HeadSize ? query[i] : 0f;
        }

        var scale = Vector128.Create(shape.Scale);
        var keys = kv.Keys + kvHead * kv.HeadStride;
        var length = context.Length;
        for (var j = 0; j < length; j += PositionsTogether)
        {
            // Past the end the last position is scored again and overwritten below.
            var k0 = keys + (long)context.Slot(j) * kv.SlotStride;
            var k1 = keys + (long)context.Slot(Math.Min(j + 1, length - 1)) * kv.SlotStride;
            var k2 = keys + (long)context.Slot(Math.Min(j + 2, length - 1)) * kv.SlotStride;
            var k3 = keys + (long)context.Slot(Math.Min(j + 3, length - 1)) * kv.SlotStride;
            Vector512<float> s0 = default,
                s1 = default,
                s2 = default,
                s3 = default;
            for (var i = 0; i < kv.HeadStride; i += Lanes.Count)
            {
                var q = Vector512.Load(padded + i);
                s0 = Vector512.FusedMultiplyAdd(q, Vector512.Load(k0 + i), s0);
                s1 = Vector512.FusedMultiplyAdd(q, Vector512.Load(k1 + i), s1);
                s2 = Vector512.FusedMultiplyAdd(q, Vector512.Load(k2 + i), s2);
                s3 = Vector512.FusedMultiplyAdd(q, Vector512.Load(k3 + i), s3);
            }

            (Lanes.Sum(s0, s1, s2, s3) * scale).Store(scores + j);
        }

        for (var j = length; j < Lanes.RoundUp(length); j++)
        {
            scores[j] = float.NegativeInfinity;
        }
    }

    /// <summary>scores[j] = exp(scores[j] - max); returns their sum. Padding becomes zero.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float Exponentiate(float* scores, int length)
    {
        var padded = Lanes.RoundUp(length);
        var maxima = Vector512.Load(scores);
        for (var j = Lanes.Count; j < padded; j += Lanes.Count)
        {
            maxima = Vector512.Max(maxima, Vector512.Load(scores + j));
        }

        var max = maxima[0];
        for (var lane = 1; lane < Lanes.Count; lane++)
        {
            max = MathF.Max(max, maxima[lane]);
        }

        var shift = Vector512.Create(max);
        var sums = Vector512<float>.Zero;
        for (var j = 0; j < padded; j += Lanes.Count)
        {
            var e = Vector512.Exp(Vector512.Load(scores + j) - shift);
            e.Store(scores + j);
            sums += e;
        }

        return Lanes.Sum(sums);
    }

    /// <summary>y = factor * sum of scores[j] * v[j].</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void WeighValues(
        float* scores,
        float factor,
        AttentionShape shape,
        CpuKvMemory kv,
        in RowContext context,
        int kvHead,
        float* y
    )
    {
        var sums = stackalloc float[kv.HeadStride];
        var values = kv.Values + kvHead * kv.HeadStride;
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
                var v = values + (long)context.Slot(j) * kv.SlotStride + i;
                var weight = Vector512.Create(scores[j]);
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
                var v = values + (long)context.Slot(j) * kv.SlotStride + i;
                s = Vector512.FusedMultiplyAdd(Vector512.Create(scores[j]), Vector512.Load(v), s);
            }

            s.Store(sums + i);
        }

        for (i = 0; i < shape.HeadSize; i++)
        {
            y[i] = sums[i] * factor;
        }
    }
}

/// <summary>The slots a row attends to, in position order.</summary>
internal readonly unsafe struct RowContext(int* committed, int committedLength, int* tail, int tailLength)
{
    private readonly int* _committed = committed;
    private readonly int* _tail = tail;
    private readonly int _committedLength = committedLength;

    /// <summary>Positions in the context, the row itself included.</summary>
    public readonly int Length = committedLength + tailLength;

    /// <summary>Slot of a position.</summary>
    public int Slot(int position) =>
        position < _committedLength ? _committed[position] : _tail[position - _committedLength];
}
