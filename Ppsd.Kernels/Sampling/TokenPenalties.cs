namespace Ppsd.Kernels.Sampling;

/// <summary>
/// Changes logits: adds what a session asks for, and discourages tokens that its sequence holds already. Which part of the history a token came from and in which
/// order do not matter to the bits: occurrences are counted first and applied once. Holds scratch only.
/// </summary>
/// <remarks>
/// In vLLM's order: the bias first; the repetition penalty looks at prompt and generated tokens; the frequency and presence penalties,
/// as OpenAI defines them, at generated tokens only:
/// <c>logit -= count * frequencyPenalty + (count > 0 ? presencePenalty : 0)</c>.
/// </remarks>
internal sealed class TokenPenalties(int vocabSize)
{
    private readonly bool[] _seen = new bool[vocabSize];
    private readonly int[] _counts = new int[vocabSize];

    /// <summary>Applies the penalties to <paramref name="scores"/>, [vocabSize], in place.</summary>
    public void Apply(Span<float> scores, SamplingParameters parameters, in TokenHistory history)
    {
        foreach (var (token, bias) in parameters.LogitBias)
        {
            scores[token] += bias;
        }

        if (parameters.RepetitionPenalty != 1f)
        {
            DiscourageRepetition(scores, parameters.RepetitionPenalty, history.Committed);
            DiscourageRepetition(scores, parameters.RepetitionPenalty, history.Tail);
            Forget(history.Committed);
            Forget(history.Tail);
        }

        if (parameters.PresencePenalty != 0f || parameters.FrequencyPenalty != 0f)
        {
            Count(history.GeneratedAndCommitted);
            Count(history.Tail);
            DiscourageCounted(scores, parameters, history.GeneratedAndCommitted);
            DiscourageCounted(scores, parameters, history.Tail);
        }
    }

    private void DiscourageRepetition(Span<float> scores, float penalty, ReadOnlySpan<int> tokens)
    {
        foreach (var token in tokens)
        {
            if (!_seen[token])
            {
                _seen[token] = true;
                scores[token] = scores[token] > 0 ? scores[token] / penalty : scores[token] * penalty;
            }
        }
    }

    private void Forget(ReadOnlySpan<int> tokens)
    {
        foreach (var token in tokens)
        {
            _seen[token] = false;
        }
    }

    private void Count(ReadOnlySpan<int> tokens)
    {
        foreach (var token in tokens)
        {
            _counts[token]++;
        }
    }

    /// <summary>Applies each token's count once and leaves the counts at zero.</summary>
    private void DiscourageCounted(Span<float> scores, SamplingParameters parameters, ReadOnlySpan<int> tokens)
    {
        foreach (var token in tokens)
        {
            if (_counts[token] > 0)
            {
                scores[token] -= _counts[token] * parameters.FrequencyPenalty + parameters.PresencePenalty;
                _counts[token] = 0;
            }
        }
    }
}
