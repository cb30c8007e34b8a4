using Ppsd.Actors.Messages;

namespace Ppsd.Actors.Sessions;

/// <summary>Settings of a session that no model can serve, whatever it is. Pure.</summary>
internal static class SessionLimits
{
    private const int MaxTopLogprobs = 20;

    /// <summary>Why this number of alternatives is refused, in one line; null when it is allowed.</summary>
    public static string? Refusal(int? topLogprobs) =>
        topLogprobs is < 0 or > MaxTopLogprobs
            ? $"top logprobs: expected 0 to {MaxTopLogprobs}, found {topLogprobs}"
            : null;

    /// <summary>Why tokens cannot be drawn so, in one line; null when they can.</summary>
    public static string? Refusal(SamplingSettings sampling) =>
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
            _ => null,
        };
}
