using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Ppsd.Kernels.Devices.Cpu;
using Ppsd.Kernels.Distillation.Compute;
using Ppsd.Kernels.Sampling;

namespace Ppsd.Kernels.Distillation.Cpu;

/// <summary>
/// The loss of one position against the target's most probable tokens and the mass r of the rest. With R the draft's mass of the
/// rest, the target's probability of another token i is taken as r q(i) / R, so the formulas of <see cref="LossRow"/> hold, and
/// all others count as one outcome.
/// </summary>
internal static unsafe class TruncatedLossRow
{
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Execute(
        float* kept,
        int tokens,
        float* draft,
        int vocabSize,
        int nextToken,
        DistillationLoss loss,
        float weight,
        float* result,
        long stride
    )
    {
        var logs = kept + tokens;
        var best = LossRow.IndexOf(logs, tokens, RowMath.Max(logs, tokens));
        var targetBest = (int)kept[best];
        var draftBest = LossRow.IndexOf(draft, vocabSize, RowMath.Max(draft, vocabSize));
        var isHybrid = loss == DistillationLoss.Hybrid;
        var ceToken = isHybrid ? targetBest : nextToken;
        var ceLogit = draft[ceToken];

        // The draft's own logits of the kept tokens; without them the row is the rest.
        var top = stackalloc float[tokens];
        for (var k = 0; k < tokens; k++)
        {
            top[k] = draft[(int)kept[k]];
        }

        for (var k = 0; k < tokens; k++)
        {
            draft[(int)kept[k]] = float.NegativeInfinity;
        }

        var topMax = RowMath.Max(top, tokens);
        var topSum = 0f;
        for (var k = 0; k < tokens; k++)
        {
            topSum += MathF.Exp(top[k] - topMax);
        }

        var restLog = TopRow.LogSum(draft, vocabSize);
        var draftLog = TopRow.Add(topMax + MathF.Log(topSum), restLog);

        var targetRest = logs[tokens];
        var (kl, overlap, signs) = Rest(targetRest, restLog - draftLog);
        for (var k = 0; k < tokens; k++)
        {
            var logQ = top[k] - draftLog;
            var (p, q) = (MathF.Exp(logs[k]), MathF.Exp(logQ));
            kl += p * (logs[k] - logQ);
            overlap += MathF.Min(p, q);
            signs += q * Sign(q - p);
        }

        var lambda = isHybrid ? VectorMath.Exp(-LossRow.OverlapDecay * overlap) : 1f;
        var variation = 1 - lambda;
        var ceShare = isHybrid ? LossRow.CrossEntropyShare : 1f;
        var restSign = Sign(MathF.Exp(restLog - draftLog) - MathF.Exp(targetRest));
        Gradient(
            draft,
            vocabSize,
            draftLog,
            restLog - targetRest,
            lambda,
            lambda + variation * (restSign - signs) + ceShare,
            weight
        );
        for (var k = 0; k < tokens; k++)
        {
            var (p, q) = (MathF.Exp(logs[k]), MathF.Exp(top[k] - draftLog));
            var gradient = lambda * (q - p) + variation * q * (Sign(q - p) - signs) + ceShare * q;
            draft[(int)kept[k]] = gradient * weight;
        }

        draft[ceToken] -= weight * ceShare;
        result[0] = lambda * kl + variation * 2 * (1 - overlap) + ceShare * (draftLog - ceLogit);
        result[stride] = overlap;
        result[2 * stride] = targetBest == draftBest ? 1 : 0;
        result[3 * stride] = 1;
    }

    /// <summary>What the rest adds to KL, overlap and the signs' mean.</summary>
    private static (float Kl, float Overlap, float Signs) Rest(float logP, float logQ)
    {
        var (p, q) = (MathF.Exp(logP), MathF.Exp(logQ));
        return (p == 0 ? 0 : p * (logP - logQ), MathF.Min(p, q), q * Sign(q - p));
    }

    /// <summary>Gradients of the rest: weight * (draftFactor exp(z - draftLog) - lambda exp(z - targetLog)).</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Gradient(
        float* draft,
        int vocabSize,
        float draftLog,
        float targetLog,
        float lambda,
        float draftFactor,
        float weight
    )
    {
        var draftShift = Vector512.Create(draftLog);
        var targetShift = Vector512.Create(targetLog);
        for (var i = 0; i < vocabSize; i += Lanes.Count)
        {
            var z = Vector512.Load(draft + i);
            var q = VectorMath.Exp(z - draftShift);
            var p = VectorMath.Exp(z - targetShift);
            ((draftFactor * q - lambda * p) * weight & LossRow.Inside(vocabSize - i)).Store(draft + i);
        }
    }

    private static float Sign(float x) => (x > 0 ? 1f : 0f) - (x < 0 ? 1f : 0f);
}
