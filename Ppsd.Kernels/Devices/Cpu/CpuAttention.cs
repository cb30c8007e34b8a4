using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Ppsd.Kernels.Sampling;

namespace Ppsd.Kernels.Devices.Cpu;

/// <summary>
/// Attention of one row over its context. Scores, their sum and the weighted values are all taken in position order
/// over logical positions, so neither the slots' places in memory nor how the context came to be changes a bit.
/// </summary>
internal static unsafe class CpuAttention
{
    /// <summary>Floats of scratch one call needs for a context of <paramref name="length"/> positions: scores of two heads.</summary>
    public static int ScratchLength(int length) => 2 * Lanes.RoundUp(length);

    /// <summary>All query heads of one row that share key/value head <paramref name="kvHead"/>.</summary>
    public static void Execute(
        float* qkv,
        AttentionShape shape,
        CpuKvMemory kv,
        in CpuRowContext context,
        int kvHead,
        float* scores,
        float* y
    )
    {
        var head = kvHead * shape.GroupSize;
        var end = head + shape.GroupSize;
        var otherScores = scores + Lanes.RoundUp(context.Length);
        for (; head + 2 <= end; head += 2)
        {
            AttentionScores.Two(qkv + head * shape.HeadSize, shape, kv, context, kvHead, scores, otherScores);
            var first = 1f / Exponentiate(scores, context.Length);
            var second = 1f / Exponentiate(otherScores, context.Length);
            var target = y + head * shape.HeadSize;
            AttentionValues.Two(scores, first, otherScores, second, shape, kv, context, kvHead, target);
        }

        if (head < end)
        {
            AttentionScores.One(qkv + head * shape.HeadSize, shape, kv, context, kvHead, scores);
            var factor = 1f / Exponentiate(scores, context.Length);
            AttentionValues.One(scores, factor, shape, kv, context, kvHead, y + head * shape.HeadSize);
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
            var e = VectorMath.Exp(Vector512.Load(scores + j) - shift);
            e.Store(scores + j);
            sums += e;
        }

        return Lanes.Sum(sums);
    }
}

/// <summary>The slots a row attends to, in position order.</summary>
internal readonly unsafe struct CpuRowContext(int* committed, int committedLength, int* tail, int tailLength)
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
