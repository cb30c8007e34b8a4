using ILGPU;
using ILGPU.Algorithms;
using Ppsd.Kernels.Distillation.Compute;
using Ppsd.Kernels.Distillation.Cpu;

namespace Ppsd.Kernels.Distillation.Ilgpu.Kernels;

/// <summary>
/// The loss of a position against the target's most probable tokens and the rest's mass, and its gradient, a group a row; see
/// <see cref="TruncatedLossRow"/> for the formulas.
/// </summary>
internal static class TruncatedLossKernel
{
    private const int GroupSize = LossKernel.GroupSize;

    /// <param name="kept">What is kept of the target, by place in the pass.</param>
    /// <param name="draft">The draft's; receives the gradient.</param>
    /// <param name="rows">Rows that drafts come from; negative for none.</param>
    /// <param name="nextTokens">The text's own tokens.</param>
    /// <param name="first">First entry of both lists, of what is kept and of the results.</param>
    /// <param name="isHybrid">1 for the hybrid loss, 0 for KL and cross-entropy with the text.</param>
    /// <param name="weight">Factor of the gradient.</param>
    /// <param name="results">Loss, overlap, hit, count.</param>
    public static void Execute(
        RowsView kept,
        RowsView draft,
        ArrayView<int> rows,
        ArrayView<int> nextTokens,
        int first,
        int isHybrid,
        float weight,
        RowsView results
    )
    {
        var shared = SharedMemory.Allocate<float>(GroupReduction.MaxWarps);
        var top = SharedMemory.Allocate<float>(TrainingDevice.MaxKeptTokens);
        var row = Grid.IdxX;
        var vocabulary = draft.Width;
        var tokens = kept.Width / 2;
        var result = results.At(0, first + row);
        if (rows[first + row] < 0)
        {
            for (var i = Group.IdxX; i < vocabulary; i += GroupSize)
            {
                draft.Values[draft.At(row, i)] = 0f;
            }

            if (Group.IdxX < 4)
            {
                results.Values[result + Group.IdxX * results.Stride] = 0f;
            }

            return;
        }

        var ids = kept.At(first + row, 0);
        var logs = ids + tokens;
        var draftBest = Best(draft.Values, draft.At(row, 0), vocabulary, shared);
        var targetBest = (int)kept.Values[ids + Best(kept.Values, logs, tokens, shared)];
        var token = isHybrid == 1 ? targetBest : nextTokens[first + row];
        var tokenLogit = draft.Values[draft.At(row, token)];
        var topMax = float.NegativeInfinity;
        for (var k = Group.IdxX; k < tokens; k += GroupSize)
        {
            var value = draft.Values[draft.At(row, (int)kept.Values[ids + k])];
            top[k] = value;
            topMax = XMath.Max(topMax, value);
        }

        // The barriers of the reduction also stand between reading the kept tokens' logits and taking them out of the rest.
        topMax = GroupReduction.Max(topMax, shared);
        var topSum = 0f;
        for (var k = Group.IdxX; k < tokens; k += GroupSize)
        {
            topSum += XMath.Exp(top[k] - topMax);
            draft.Values[draft.At(row, (int)kept.Values[ids + k])] = float.NegativeInfinity;
        }

        var topLog = topMax + XMath.Log(GroupReduction.Sum(topSum, shared));
        var restLog = TopKernel.LogSum(draft, row, shared);
        var draftLog = TopKernel.Add(topLog, restLog);

        var kl = 0f;
        var overlap = 0f;
        var signs = 0f;
        for (var k = Group.IdxX; k < tokens; k += GroupSize)
        {
            var logP = kept.Values[logs + k];
            var p = XMath.Exp(logP);
            var q = XMath.Exp(top[k] - draftLog);
            kl += p * (logP - (top[k] - draftLog));
            overlap += XMath.Min(p, q);
            signs += q * Sign(q - p);
        }

        var targetRest = kept.Values[logs + tokens];
        var restP = XMath.Exp(targetRest);
        var restQ = XMath.Exp(restLog - draftLog);
        kl = GroupReduction.Sum(kl, shared) + (restP > 0f ? restP * (targetRest - (restLog - draftLog)) : 0f);
        overlap = GroupReduction.Sum(overlap, shared) + XMath.Min(restP, restQ);
        signs = GroupReduction.Sum(signs, shared) + restQ * Sign(restQ - restP);
        var lambda = isHybrid == 1 ? XMath.Exp(-LossRow.OverlapDecay * overlap) : 1f;
        var variation = 1f - lambda;
        var share = isHybrid == 1 ? LossRow.CrossEntropyShare : 1f;
        var restFactor = lambda + variation * (Sign(restQ - restP) - signs) + share;
        for (var i = Group.IdxX; i < vocabulary; i += GroupSize)
        {
            var at = draft.At(row, i);
            var z = draft.Values[at];
            var q = XMath.Exp(z - draftLog);
            var p = restP > 0f ? XMath.Exp(z - restLog + targetRest) : 0f;
            draft.Values[at] = z == float.NegativeInfinity ? 0f : (restFactor * q - lambda * p) * weight;
        }

        Group.Barrier();
        for (var k = Group.IdxX; k < tokens; k += GroupSize)
        {
            var p = XMath.Exp(kept.Values[logs + k]);
            var q = XMath.Exp(top[k] - draftLog);
            var gradient = lambda * (q - p) + variation * q * (Sign(q - p) - signs) + share * q;
            draft.Values[draft.At(row, (int)kept.Values[ids + k])] = gradient * weight;
        }

        Group.Barrier();
        if (Group.IdxX == 0)
        {
            draft.Values[draft.At(row, token)] -= share * weight;
            results.Values[result] = lambda * kl + variation * 2f * (1f - overlap) + share * (draftLog - tokenLogit);
            results.Values[result + results.Stride] = overlap;
            results.Values[result + 2 * results.Stride] = targetBest == draftBest ? 1f : 0f;
            results.Values[result + 3 * results.Stride] = 1f;
        }
    }

    /// <summary>Lowest index of the largest of some values, to every thread; 0 where NaNs have hidden it.</summary>
    private static int Best(ArrayView<float> values, long at, int count, ArrayView<float> shared)
    {
        var max = float.NegativeInfinity;
        for (var i = Group.IdxX; i < count; i += GroupSize)
        {
            max = XMath.Max(max, values[at + i]);
        }

        max = GroupReduction.Max(max, shared);

        // Indices up to 2^24 are exact in fp32; the lowest is a maximum of negated ones.
        var best = float.NegativeInfinity;
        for (var i = Group.IdxX; i < count; i += GroupSize)
        {
            best = values[at + i] == max ? XMath.Max(best, -i) : best;
        }

        best = -GroupReduction.Max(best, shared);
        return best < count ? (int)best : 0;
    }

    private static float Sign(float x) => (x > 0f ? 1f : 0f) - (x < 0f ? 1f : 0f);
}
