namespace Ppsd.Host.Bench.Serving;

/// <summary>Requests at one concurrency.</summary>
/// <param name="Concurrency">Requests in flight at most.</param>
/// <param name="Elapsed">From the first sent to the last answered.</param>
internal sealed record ServeRound(int Concurrency, IReadOnlyList<ServeSample> Samples, TimeSpan Elapsed)
{
    /// <summary>Two rounds as one; the time between them is not counted.</summary>
    public static ServeRound operator +(ServeRound first, ServeRound second) =>
        new(first.Concurrency, [.. first.Samples, .. second.Samples], first.Elapsed + second.Elapsed);

    /// <summary>Requests answered to the end.</summary>
    public IReadOnlyList<ServeSample> Successes { get; } = [.. Samples.Where(sample => sample.Failure is null)];

    /// <summary>Tokens generated.</summary>
    public int OutputTokens => Successes.Sum(sample => sample.OutputTokens);

    /// <summary>Tokens of prompts.</summary>
    public int InputTokens => Successes.Sum(sample => sample.InputTokens);

    /// <summary>Tokens generated per second.</summary>
    public double OutputTokensPerSecond => OutputTokens / Elapsed.TotalSeconds;

    /// <summary>Accepted over verified drafts; NaN when none was verified.</summary>
    public double Alpha =>
        Successes.Sum(sample => sample.VerifiedDrafts) is > 0 and var verified
            ? (double)Successes.Sum(sample => sample.AcceptedDrafts) / verified
            : double.NaN;
}
