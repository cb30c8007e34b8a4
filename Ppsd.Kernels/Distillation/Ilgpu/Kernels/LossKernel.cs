using ILGPU;
using ILGPU.Algorithms;
using Ppsd.Kernels.Distillation.Cpu;

namespace Ppsd.Kernels.Distillation.Ilgpu.Kernels;

/// <summary>The loss of a position and its gradient, a group a row; see <see cref="LossRow"/> for the formulas.</summary>
internal static class LossKernel
{
    /// <summary>Threads of a group.</summary>
    public const int GroupSize = 256;

    /// <param name="target">The target's logits.</param>
    /// <param name="draft">The draft's; receives the gradient.</param>
    /// <param name="rows">Rows that drafts come from; negative for none.</param>
    /// <param name="nextTokens">The text's own tokens.</param>
    /// <param name="first">First entry of both lists and of the results.</param>
    /// <param name="isHybrid">1 for the hybrid loss, 0 for KL and cross-entropy with the text.</param>
    /// <param name="weight">Factor of the gradient.</param>
    /// <param name="results">Loss, overlap, hit, count.</param>
    public static void Execute(
        RowsView target,
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
        var row = Grid.IdxX;
        var vocabulary = target.Width;
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

        var targetMax = float.NegativeInfinity;
        var draftMax = float.NegativeInfinity;
        for (var i = Group.IdxX; i < vocabulary; i += GroupSize)
        {
            targetMax = XMath.Max(targetMax, target.Values[target.At(row, i)]);
            draftMax = XMath.Max(draftMax, draft.Values[draft.At(row, i)]);
        }

        targetMax = GroupReduction.Max(targetMax, shared);
        draftMax = GroupReduction.Max(draftMax, shared);
        var targetSum = 0f;
        var draftSum = 0f;

        // Indices up to 2^24 are exact in fp32; the lowest of equals wins, as a maximum of negated ones.
        var targetBest = float.NegativeInfinity;
        var draftBest = float.NegativeInfinity;
        for (var i = Group.IdxX; i < vocabulary; i += GroupSize)
        {
            var u = target.Values[target.At(row, i)];
            var z = draft.Values[draft.At(row, i)];
            targetSum += XMath.Exp(u - targetMax);
            draftSum += XMath.Exp(z - draftMax);
            targetBest = u == targetMax ? XMath.Max(targetBest, -i) : targetBest;
            draftBest = z == draftMax ? XMath.Max(draftBest, -i) : draftBest;
        }

        var targetLog = targetMax + XMath.Log(GroupReduction.Sum(targetSum, shared));
        var draftLog = draftMax + XMath.Log(GroupReduction.Sum(draftSum, shared));
        targetBest = -GroupReduction.Max(targetBest, shared);
        draftBest = -GroupReduction.Max(draftBest, shared);

        // NaNs equal nothing, so no index was found; the loss is NaN as well.
        var best = targetBest < vocabulary ? (int)targetBest : 0;
        var token = isHybrid == 1 ? best : nextTokens[first + row];
        var crossEntropy = draftLog - draft.Values[draft.At(row, token)];

        var kl = 0f;
        var overlap = 0f;
        var signs = 0f;
        for (var i = Group.IdxX; i < vocabulary; i += GroupSize)
        {
            var logP = target.Values[target.At(row, i)] - targetLog;
            var logQ = draft.Values[draft.At(row, i)] - draftLog;
            var p = XMath.Exp(logP);
            var q = XMath.Exp(logQ);
            kl += p * (logP - logQ);
            overlap += XMath.Min(p, q);
            signs += q * Sign(q - p);
        }

        kl = GroupReduction.Sum(kl, shared);
        overlap = GroupReduction.Sum(overlap, shared);
        signs = GroupReduction.Sum(signs, shared);
        var lambda = isHybrid == 1 ? XMath.Exp(-LossRow.OverlapDecay * overlap) : 1f;
        var variation = 1f - lambda;
        var share = isHybrid == 1 ? LossRow.CrossEntropyShare : 1f;
        for (var i = Group.IdxX; i < vocabulary; i += GroupSize)
        {
            var p = XMath.Exp(target.Values[target.At(row, i)] - targetLog);
            var q = XMath.Exp(draft.Values[draft.At(row, i)] - draftLog);
            var gradient = lambda * (q - p) + variation * q * (Sign(q - p) - signs) + share * q;
            gradient -= i == token ? share : 0f;
            draft.Values[draft.At(row, i)] = gradient * weight;
        }

        if (Group.IdxX == 0)
        {
            results.Values[result] = lambda * kl + variation * 2f * (1f - overlap) + share * crossEntropy;
            results.Values[result + results.Stride] = overlap;
            results.Values[result + 2 * results.Stride] = targetBest == draftBest ? 1f : 0f;
            results.Values[result + 3 * results.Stride] = 1f;
        }
    }

    private static float Sign(float x) => (x > 0f ? 1f : 0f) - (x < 0f ? 1f : 0f);
}
