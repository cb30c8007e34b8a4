namespace Ppsd.Host.Bench.Serving;

/// <summary>One request as its client saw it.</summary>
internal sealed record ServeSample
{
    /// <summary>Why it failed; null when it did not.</summary>
    public string? Failure { get; init; }

    /// <summary>Tokens of its prompt.</summary>
    public int InputTokens { get; init; }

    /// <summary>Tokens of its answer.</summary>
    public int OutputTokens { get; init; }

    /// <summary>From sending it to the first text.</summary>
    public double TimeToFirstTokenMs { get; init; }

    /// <summary>From sending it to the last text.</summary>
    public double LatencyMs { get; init; }

    /// <summary>Between one piece of text and the next.</summary>
    public IReadOnlyList<double> GapsMs { get; init; } = [];

    /// <summary>Drafts that got a verdict.</summary>
    public int VerifiedDrafts { get; init; }

    /// <summary>Drafts the verdict confirmed.</summary>
    public int AcceptedDrafts { get; init; }

    /// <summary>Runs.</summary>
    public int Runs { get; init; }

    /// <summary>Time per output token after the first; NaN with fewer than two.</summary>
    public double TimePerOutputTokenMs =>
        OutputTokens < 2 ? double.NaN : (LatencyMs - TimeToFirstTokenMs) / (OutputTokens - 1);
}
