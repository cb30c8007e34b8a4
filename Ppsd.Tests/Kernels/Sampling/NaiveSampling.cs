using Ppsd.Kernels.Sampling;
using Ppsd.Tests.Kernels.Ops;

namespace Ppsd.Tests.Kernels.Sampling;

/// <summary>The filters as their definitions read, in double precision over a full sort.</summary>
internal static class NaiveSampling
{
    /// <summary>Probability of every token after penalty, temperature, top-k, top-p and min-p.</summary>
    public static double[] Distribution(
        ReadOnlySpan<float> logits,
        SamplingParameters parameters,
        IReadOnlyCollection<int> history
    )
    {
        var scores = new double[logits.Length];
        for (var token = 0; token < scores.Length; token++)
        {
            double logit = logits[token];
            if (history.Contains(token))
            {
                logit = logit > 0 ? logit / parameters.RepetitionPenalty : logit * parameters.RepetitionPenalty;
            }

            scores[token] = logit / parameters.Temperature;
        }

        var ranked = Enumerable.Range(0, scores.Length).OrderByDescending(token => scores[token]).ToList();
        if (parameters.TopK > 0)
        {
            ranked = ranked[..Math.Min(parameters.TopK, ranked.Count)];
        }

        var kept = TopP(ranked, scores, parameters.TopP);
        var largest = scores.Max();
        kept.RemoveAll(token => Math.Exp(scores[token] - largest) < parameters.MinP);

        var distribution = new double[scores.Length];
        var probabilities = ReferenceOps.Softmax(kept.Select(token => scores[token]).ToArray());
        for (var i = 0; i < kept.Count; i++)
        {
            distribution[kept[i]] = probabilities[i];
        }

        return distribution;
    }

    private static List<int> TopP(List<int> ranked, double[] scores, float topP)
    {
        if (topP >= 1f)
        {
            return [.. ranked];
        }

        var probabilities = ReferenceOps.Softmax(ranked.Select(token => scores[token]).ToArray());
        var reached = 0.0;
        var count = 0;
        while (count < ranked.Count && reached < topP)
        {
            reached += probabilities[count++];
        }

        return ranked[..count];
    }
}
