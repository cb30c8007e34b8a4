using Ppsd.Actors.Messages;

namespace Ppsd.Actors.Sessions;

/// <summary>Settings of a session that no model can serve, whatever it is. Pure.</summary>
internal static class SessionLimits
{
    /// <summary>Most tokens with a bias of their own.</summary>
    public const int MaxBiases = 1024;

    private const int MaxTopLogprobs = 20;
    private const float MaxBias = 100f;

    /// <summary>Why this number of alternatives is refused, in one line; null when it is allowed.</summary>
    public static string? Refusal(int? topLogprobs) =>
        topLogprobs is < 0 or > MaxTopLogprobs
            ? $"top logprobs: expected 0 to {MaxTopLogprobs}, found {topLogprobs}"
            : null;

    /// <summary>Why tokens cannot be drawn so, in one line; null when they can.</summary>
    /// <param name="sampling">How.</param>
    /// <param name="vocabSize">Tokens of the vocabulary.</param>
    public static string? Refusal(SamplingSettings sampling, int vocabSize) =>
        sampling switch
        {
            { Temperature: not (>= 0f and <= 100f) } => $"temperature: expected 0 to 100, found {sampling.Temperature}",
            { TopK: < 0 } => $"top-k: expected 0 or more, found {sampling.TopK}",
            { TopP: not (> 0f and <= 1f) } => $"top-p: expected more than 0 and at most 1, found {sampling.TopP}",
            { MinP: not (>= 0f and <= 1f) } => $"min-p: expected 0 to 1, found {sampling.MinP}",
            { RepetitionPenalty: not (> 0f and <= 100f) } =>
                $"repetition penalty: expected more than 0 and at most 100, found {sampling.RepetitionPenalty}",
            { PresencePenalty: not (>= -2f and <= 2f) } =>
                $"presence penalty: expected -2 to 2, found {sampling.PresencePenalty}",
            { FrequencyPenalty: not (>= -2f and <= 2f) } =>
                $"frequency penalty: expected -2 to 2, found {sampling.FrequencyPenalty}",
            { LogitBias.Length: > MaxBiases } =>
                $"logit bias: expected at most {MaxBiases} tokens, found {sampling.LogitBias.Length}",
            _ => Refusal(sampling.LogitBias, vocabSize),
        };

    private static string? Refusal(TokenBias[] biases, int vocabSize)
    {
        foreach (var (token, bias) in biases)
        {
            if (token.Value < 0 || token.Value >= vocabSize)
            {
                return $"logit bias: expected token ids from 0 to {vocabSize - 1}, found {token.Value}";
            }

            if (!(Math.Abs(bias) <= MaxBias))
            {
                return $"logit bias: expected -{MaxBias} to {MaxBias} for token {token.Value}, found {bias}";
            }
        }

        return null;
    }
}
