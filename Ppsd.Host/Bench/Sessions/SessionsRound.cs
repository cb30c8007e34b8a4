using Ppsd.Host.Generation;

namespace Ppsd.Host.Bench.Sessions;

/// <summary>One generation of all texts of the sessions benchmark at one level of concurrency.</summary>
/// <param name="Concurrency">Sessions at a time.</param>
/// <param name="Results">The texts, in the order of their prompts.</param>
/// <param name="Stages">Each stage's work during the round.</param>
/// <param name="Elapsed">From the first request to the last token.</param>
/// <param name="ProcessorTime">Time on processors in this process, all threads together.</param>
internal sealed record SessionsRound(
    int Concurrency,
    IReadOnlyList<TextResult> Results,
    IReadOnlyList<StageWork> Stages,
    TimeSpan Elapsed,
    TimeSpan ProcessorTime
)
{
    /// <summary>The same texts without drafts, right after this round; null where they are not compared.</summary>
    public SessionsRound? Plain { get; init; }

    /// <summary>This round's tokens per second over those without drafts; NaN where they are not compared.</summary>
    public double OverPlain => Plain is { } plain ? TokensPerSecond / plain.TokensPerSecond : double.NaN;

    /// <summary>Tokens generated per second, prompts included in the time.</summary>
    public double TokensPerSecond => Results.Sum(result => result.TokenIds.Count) / Elapsed.TotalSeconds;

    /// <summary>Milliseconds of processor time per generated token; a machine of N cores cannot exceed N / this tokens per millisecond.</summary>
    public double ProcessorMsPerToken => ProcessorTime.TotalMilliseconds / Results.Sum(result => result.TokenIds.Count);

    /// <summary>Accepted over verified drafts; NaN when none was verified.</summary>
    public double Alpha
    {
        get
        {
            var verified = Results.Sum(result => result.Stats.VerifiedDrafts);
            return verified == 0 ? double.NaN : (double)Results.Sum(result => result.Stats.AcceptedDrafts) / verified;
        }
    }

    /// <summary>Drafts verified per generated token.</summary>
    public double DraftShare =>
        (double)Results.Sum(result => result.Stats.VerifiedDrafts) / Results.Sum(result => result.TokenIds.Count);

    /// <summary>Candidates of a micro-batch at the last stage, on average.</summary>
    public double RowsPerStep =>
        Stages[^1].DecodeSteps == 0 ? double.NaN : (double)Stages[^1].DecodeRows / Stages[^1].DecodeSteps;

    /// <summary>Median time to the first token, ms.</summary>
    public double TimeToFirstTokenMs => Statistics.Median(Results.Select(result => result.Stats.TimeToFirstTokenMs));

    /// <summary>Share of the round a stage was busy.</summary>
    public double BusyShare(int stage) => Stages[stage].BusyMs / Elapsed.TotalMilliseconds;
}
