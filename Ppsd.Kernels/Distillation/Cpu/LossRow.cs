using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Ppsd.Kernels.Devices.Cpu;
using Ppsd.Kernels.Distillation.Compute;
using Ppsd.Kernels.Sampling;

namespace Ppsd.Kernels.Distillation.Cpu;

/// <summary>
/// The loss of one position and its gradient for the draft's logits. With p and q the softmax of the target's and the
/// draft's logits: KL gives q - p, cross-entropy with token c gives q - [c], and 2 TV = sum |p - q| gives
/// q * (s - sum(s * q)) where s = sign(q - p).
/// </summary>
internal static unsafe class LossRow
{
    /// <summary>Share of the cross-entropy in <see cref="DistillationLoss.Hybrid"/>.</summary>
    public const float CrossEntropyShare = 0.3f;

    /// <summary>How fast <see cref="DistillationLoss.Hybrid"/> turns from KL to total variation as the overlap grows.</summary>
    public const float OverlapDecay = 3f;

    /// <summary>Loss, overlap, hit and count go to results a stride apart. Rows of logits are padded to whole vectors; what lies beyond the vocabulary is not read.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Execute(
        float* target,
        float* draft,
        int vocabSize,
        int nextToken,
        DistillationLoss loss,
        float weight,
        float* result,
        long stride
    )
    {
        var targetMax = RowMath.Max(target, vocabSize);
        var draftMax = RowMath.Max(draft, vocabSize);
        var targetBest = IndexOf(target, vocabSize, targetMax);
        var draftBest = IndexOf(draft, vocabSize, draftMax);
        var targetLog = targetMax + MathF.Log(SumExp(target, vocabSize, targetMax));
        var draftLog = draftMax + MathF.Log(SumExp(draft, vocabSize, draftMax));
        var ceToken = loss == DistillationLoss.Hybrid ? targetBest : nextToken;
        var crossEntropy = draftLog - draft[ceToken];

        var terms = Terms(target, draft, vocabSize, targetLog, draftLog);
        float lambda = 1;
        float variation = 0;
        float ceShare = 1;
        if (loss == DistillationLoss.Hybrid)
        {
            lambda = VectorMath.Exp(-OverlapDecay * terms.Overlap);
            variation = 1 - lambda;
            ceShare = CrossEntropyShare;
        }

        // The signs' mean under q is needed before any gradient: sum(s * q) = sum over q > p of q - sum over q < p of q.
        Gradient(target, draft, vocabSize, targetLog, draftLog, lambda, variation, ceShare, terms.SignMean, weight);
        draft[ceToken] -= weight * ceShare;
        result[0] = lambda * terms.Kl + variation * 2 * (1 - terms.Overlap) + ceShare * crossEntropy;
        result[stride] = terms.Overlap;
        result[2 * stride] = targetBest == draftBest ? 1 : 0;
        result[3 * stride] = 1;
    }

    private readonly record struct RowTerms(float Kl, float Overlap, float SignMean);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static RowTerms Terms(float* target, float* draft, int vocabSize, float targetLog, float draftLog)
    {
        var kl = Vector512<float>.Zero;
        var overlap = Vector512<float>.Zero;
        var signs = Vector512<float>.Zero;
        var targetShift = Vector512.Create(targetLog);
        var draftShift = Vector512.Create(draftLog);
        for (var i = 0; i < vocabSize; i += Lanes.Count)
        {
            var inside = Inside(vocabSize - i);
            var logP = Vector512.Load(target + i) - targetShift;
            var logQ = Vector512.Load(draft + i) - draftShift;
            var p = VectorMath.Exp(logP) & inside;
            var q = VectorMath.Exp(logQ) & inside;
            kl += p * (logP - logQ) & inside;
            overlap += Vector512.Min(p, q);
            signs += q * Sign(q - p);
        }

        return new RowTerms(Lanes.Sum(kl), Lanes.Sum(overlap), Lanes.Sum(signs));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Gradient(
        float* target,
        float* draft,
        int vocabSize,
        float targetLog,
        float draftLog,
        float lambda,
        float variation,
        float ceShare,
        float signMean,
        float weight
    )
    {
        var targetShift = Vector512.Create(targetLog);
        var draftShift = Vector512.Create(draftLog);
        for (var i = 0; i < vocabSize; i += Lanes.Count)
        {
            var inside = Inside(vocabSize - i);
            var p = VectorMath.Exp(Vector512.Load(target + i) - targetShift);
            var q = VectorMath.Exp(Vector512.Load(draft + i) - draftShift);
            var gradient = lambda * (q - p) + variation * q * (Sign(q - p) - Vector512.Create(signMean)) + ceShare * q;
            (gradient * weight & inside).Store(draft + i);
        }
    }

    /// <summary>-1, 0 or 1.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Sign(Vector512<float> x)
    {
        var one = Vector512<float>.One;
        var positive = Vector512.GreaterThan(x, Vector512<float>.Zero) & one;
        return positive - (Vector512.LessThan(x, Vector512<float>.Zero) & one);
    }

    /// <summary>All bits set in the first <paramref name="count"/> lanes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Inside(int count) =>
        Vector512.LessThan(Vector512<int>.Indices, Vector512.Create(count)).AsSingle();

    /// <summary>Sum of exp(logit - max).</summary>
    public static float SumExp(float* logits, int vocabSize, float max)
    {
        var sums = Vector512<float>.Zero;
        var shift = Vector512.Create(max);
        for (var i = 0; i < vocabSize; i += Lanes.Count)
        {
            sums += VectorMath.Exp(Vector512.Load(logits + i) - shift) & Inside(vocabSize - i);
        }

        return Lanes.Sum(sums);
    }

    /// <summary>The lowest index of a value; 0 when NaNs have made the search fail, and the loss will be NaN as well.</summary>
    public static int IndexOf(float* values, int count, float value) =>
        Math.Max(0, new ReadOnlySpan<float>(values, count).IndexOf(value));
}
