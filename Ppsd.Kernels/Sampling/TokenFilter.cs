using System.Numerics.Tensors;
using System.Runtime.Intrinsics;

namespace Ppsd.Kernels.Sampling;

/// <summary>
/// Top-k, top-p and min-p as one threshold: what scores less is excluded, tokens that tie with it are kept. Top-p looks
/// at what top-k keeps, min-p at the most probable token, whatever others were excluded; Hugging Face's order. Holds scratch only.
/// </summary>
internal sealed class TokenFilter(int vocabSize)
{
    /// <summary>Scores this close to the largest are ranked first; e^-16 is a ten-millionth.</summary>
    private const float NearTop = 16f;

    private readonly float[] _sorted = new float[vocabSize];

    /// <summary>The least score that is kept; minus infinity keeps all.</summary>
    /// <param name="scores">Scaled logits, [vocabSize].</param>
    public float Threshold(ReadOnlySpan<float> scores, in DrawSettings settings)
    {
        var max = TensorPrimitives.Max(scores);
        var threshold = float.NegativeInfinity;
        var topK = settings.TopK > 0 && settings.TopK < vocabSize ? settings.TopK : vocabSize;
        if (topK < vocabSize || settings.TopPShare < TokenWeight.Whole)
        {
            // Ranking needs a sort, but almost always only of the few tokens near the top; the rest are looked at only
            // when those do not settle it.
            threshold =
                RankThreshold(scores, max, max - NearTop, topK, settings.TopPShare)
                ?? RankThreshold(scores, max, float.NegativeInfinity, topK, settings.TopPShare)
                ?? threshold;
        }

        return MathF.Max(threshold, max + settings.LogMinP);
    }

    private float? RankThreshold(ReadOnlySpan<float> scores, float max, float floor, int topK, long topPShare)
    {
        var count = 0;
        foreach (var score in scores)
        {
            if (score >= floor)
            {
                _sorted[count++] = score;
            }
        }

        if (topK < vocabSize && count < topK)
        {
            return null;
        }

        var sorted = _sorted.AsSpan(0, count);
        sorted.Sort();
        var threshold = topK < vocabSize ? sorted[^topK] : float.NegativeInfinity;
        if (topPShare == TokenWeight.Whole)
        {
            return threshold;
        }

        // Those that tie with the k-th are kept, and count.
        var first = topK < vocabSize ? count - topK : 0;
        while (first > 0 && sorted[first - 1] == threshold)
        {
            first--;
        }

        var kept = sorted[first..];
        var needed = TokenWeight.Needed(Weigh(topK < vocabSize ? kept : scores, max), topPShare);
        var reached = 0L;
        for (var i = kept.Length - 1; i >= 0; i--)
        {
            reached += TokenWeight.Of(VectorMath.Exp(kept[i] - max));
            if (reached >= needed)
            {
                return kept[i];
            }
        }

        return null;
    }

    private static long Weigh(ReadOnlySpan<float> scores, float max)
    {
        Span<float> powers = stackalloc float[Vector512<float>.Count];
        var shift = Vector512.Create(max);
        var total = 0L;
        var i = 0;
        for (; i <= scores.Length - powers.Length; i += powers.Length)
        {
            VectorMath.Exp(Vector512.Create(scores.Slice(i, powers.Length)) - shift).CopyTo(powers);
            foreach (var power in powers)
            {
                total += TokenWeight.Of(power);
            }
        }

        for (; i < scores.Length; i++)
        {
            total += TokenWeight.Of(VectorMath.Exp(scores[i] - max));
        }

        return total;
    }
}
