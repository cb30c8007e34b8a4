using System.Numerics.Tensors;

namespace Ppsd.Kernels.Sampling;

/// <summary>
/// Draws tokens from logits as a pure function of (logits, parameters, position, history): penalties, temperature, top-k, top-p,
/// min-p, then the largest logit plus keyed Gumbel noise (ties to the lowest id). The filters follow Hugging Face's order. Holds scratch only; one instance per stage thread.
/// </summary>
/// <remarks>
/// Logits that hold NaN or plus infinity say nothing about the next token, and neither do logits that are all minus
/// infinity: nothing is drawn from them. Minus infinity beside finite logits is a token that cannot come.
/// </remarks>
public sealed class TokenSampler
{
    /// <summary>In place of a token, where the logits are not finite.</summary>
    public const int NoToken = -1;

    private const float Excluded = float.NegativeInfinity;

    private readonly int _vocabSize;
    private readonly float[] _scores;
    private readonly TokenFilter _filter;
    private readonly TokenPenalties _penalties;

    /// <summary>Creates a sampler for logits of <paramref name="vocabSize"/> values.</summary>
    public TokenSampler(int vocabSize)
    {
        _vocabSize = vocabSize;
        _scores = new float[(vocabSize + GumbelNoise.BlockSize - 1) / GumbelNoise.BlockSize * GumbelNoise.BlockSize];
        _scores.AsSpan(vocabSize).Fill(Excluded);
        _filter = new TokenFilter(vocabSize);
        _penalties = new TokenPenalties(vocabSize);
    }

    /// <summary>The token at <paramref name="position"/>.</summary>
    /// <param name="logits">One value per token of the vocabulary.</param>
    /// <param name="parameters">How to draw.</param>
    /// <param name="position">Position the token will have in its sequence.</param>
    /// <param name="history">Tokens before it, in two parts whose order does not matter.</param>
    /// <returns>The token, or <see cref="NoToken"/>.</returns>
    public int Sample(ReadOnlySpan<float> logits, SamplingParameters parameters, int position, in TokenHistory history)
    {
        var scores = NeedsNoCopy(parameters) ? logits : Perturb(logits, parameters, position, history);
        if (scores.IsEmpty)
        {
            return NoToken;
        }

        var best = TensorPrimitives.IndexOfMax(scores);
        return float.IsFinite(scores[best]) ? best : NoToken;
    }

    /// <summary>
    /// The most promising tokens at <paramref name="position"/>, best first; the first is what <see cref="Sample"/>
    /// returns for the same arguments. Fewer than asked for when the filters leave fewer; none when the logits are not finite.
    /// </summary>
    /// <returns>Number written to <paramref name="drafts"/>.</returns>
    public int SampleBest(
        ReadOnlySpan<float> logits,
        SamplingParameters parameters,
        int position,
        in TokenHistory history,
        Span<DraftToken> drafts
    )
    {
        if (drafts.Length == 1)
        {
            // A single draft is never ranked against others, so its probability need not be worked out.
            drafts[0] = new DraftToken(Sample(logits, parameters, position, history), 0f);
            return drafts[0].Token == NoToken ? 0 : 1;
        }

        var scores = Perturb(logits, parameters, position, history);
        if (scores.IsEmpty)
        {
            return 0;
        }

        var logTotal = VectorMath.LogSumExp(scores);
        for (var i = 0; i < drafts.Length; i++)
        {
            var best = TensorPrimitives.IndexOfMax(scores);
            if (!float.IsFinite(scores[best]))
            {
                return i;
            }

            drafts[i] = new DraftToken(best, scores[best] - logTotal);
            scores[best] = Excluded;
        }

        return drafts.Length;
    }

    private static bool NeedsNoCopy(SamplingParameters parameters) =>
        parameters is { IsGreedy: true, ChangesLogits: false };

    /// <summary>
    /// Penalised, filtered, tempered logits plus noise; excluded tokens are minus infinity. Empty when the logits are not
    /// finite: a comparison with NaN would exclude them, and be silent.
    /// </summary>
    private Span<float> Perturb(
        ReadOnlySpan<float> logits,
        SamplingParameters parameters,
        int position,
        in TokenHistory history
    )
    {
        if (!float.IsFinite(TensorPrimitives.Max(logits[.._vocabSize])))
        {
            return [];
        }

        var scores = _scores.AsSpan(0, _vocabSize);
        logits[.._vocabSize].CopyTo(scores);
        _penalties.Apply(scores, parameters, history);
        var settings = DrawSettings.Of(parameters);
        if (!settings.HasNoise)
        {
            return scores;
        }

        TensorPrimitives.Multiply(scores, settings.Scale, scores);
        if (settings.HasFilters)
        {
            var threshold = _filter.Threshold(scores, settings);
            foreach (ref var score in scores)
            {
                score = score >= threshold ? score : Excluded;
            }
        }

        AddNoise(settings.Seed, position);
        return scores;
    }

    private void AddNoise(ulong seed, int position)
    {
        Span<float> noise = stackalloc float[GumbelNoise.BlockSize];
        for (var start = 0; start < _vocabSize; start += GumbelNoise.BlockSize)
        {
            var block = _scores.AsSpan(start, GumbelNoise.BlockSize);

            // After top-k most blocks hold nothing that could win.
            if (float.IsNegativeInfinity(TensorPrimitives.Max<float>(block)))
            {
                continue;
            }

            GumbelNoise.Fill(seed, position, start / GumbelNoise.BlockSize, noise);
            TensorPrimitives.Add(block, noise, block);
        }
    }
}
