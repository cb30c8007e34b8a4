using Ppsd.Actors.Messages;

namespace Ppsd.Host.Bench;

/// <summary>All prompts of a benchmark decoded once in one mode.</summary>
/// <param name="Sessions">Figures of each prompt's session.</param>
/// <param name="Tokens">Tokens of each.</param>
/// <param name="Stages">What each stage did meanwhile.</param>
/// <param name="Elapsed">How long it took.</param>
internal sealed record DecodeRound(
    IReadOnlyList<SessionStats> Sessions,
    IReadOnlyList<IReadOnlyList<int>> Tokens,
    IReadOnlyList<StageWork> Stages,
    TimeSpan Elapsed
)
{
    /// <summary>Tokens per second after each first token.</summary>
    public double TokensPerSecond =>
        Sessions.Sum(session => session.GeneratedTokens - 1) * 1000.0 / Sessions.Sum(session => session.DecodeMs);

    /// <summary>Milliseconds per token after each first token.</summary>
    public double MsPerToken => 1000.0 / TokensPerSecond;
}

/// <summary>What a stage did between two looks at it.</summary>
/// <param name="BusyMs">Milliseconds on micro-batches.</param>
/// <param name="DecodeMs">Milliseconds on completed micro-batches of candidates.</param>
/// <param name="DecodeHeadsMs">Of them in heads.</param>
/// <param name="DecodeSteps">Micro-batches of candidates completed.</param>
/// <param name="CancelledSteps">Micro-batches a cancel reached.</param>
/// <param name="DecodeRows">Candidates of the completed micro-batches.</param>
internal sealed record StageWork(
    double BusyMs,
    double DecodeMs,
    double DecodeHeadsMs,
    long DecodeSteps,
    long CancelledSteps,
    long DecodeRows
)
{
    /// <summary>Milliseconds of a micro-batch of candidates, heads and all.</summary>
    public double MsPerStep => DecodeSteps == 0 ? 0 : DecodeMs / DecodeSteps;

    /// <summary>Of them in heads.</summary>
    public double HeadsMsPerStep => DecodeSteps == 0 ? 0 : DecodeHeadsMs / DecodeSteps;

    /// <summary>The difference of two looks.</summary>
    public static StageWork Between(StageStatus earlier, StageStatus later) =>
        new(
            later.BusyMs - earlier.BusyMs,
            later.DecodeMs - earlier.DecodeMs,
            later.DecodeHeadsMs - earlier.DecodeHeadsMs,
            later.DecodeSteps - earlier.DecodeSteps,
            later.CancelledSteps - earlier.CancelledSteps,
            later.DecodeRows - earlier.DecodeRows
        );
}
