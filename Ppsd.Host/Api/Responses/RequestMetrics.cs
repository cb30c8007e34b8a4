namespace Ppsd.Host.Api.Responses;

/// <summary>A request's own figures, in vLLM's shape; docs/api.md defines each.</summary>
internal sealed record RequestMetrics
{
    /// <summary>From the request's arrival to its first token.</summary>
    public required double TimeToFirstTokenMs { get; init; }

    /// <summary>From the first token to the last.</summary>
    public required double GenerationTimeMs { get; init; }

    /// <summary>From the request's arrival to the session's start.</summary>
    public required double QueueTimeMs { get; init; }

    /// <summary>Between tokens, on average; 0 with fewer than two.</summary>
    public required double MeanItlMs { get; init; }

    /// <summary>After the first token; 0 with fewer than two.</summary>
    public required double TokensPerSecond { get; init; }

    /// <summary>Times another pipeline went on with one of its texts.</summary>
    public required int Resumes { get; init; }

    /// <summary>Generated tokens that were computed again for that.</summary>
    public required int ReplayedTokens { get; init; }

    /// <summary>What drafts did; null for a request decoded without them.</summary>
    public required SpeculativeDecodingMetrics? SpeculativeDecoding { get; init; }
}

/// <summary>What drafts did for a request.</summary>
internal sealed record SpeculativeDecodingMetrics
{
    /// <summary>Tokens per run: accepted drafts and the verdict that ended it.</summary>
    public required double MeanAcceptanceLength { get; init; }

    /// <summary>Accepted over verified drafts (alpha).</summary>
    public required double DraftAcceptanceRate { get; init; }

    /// <summary>Runs by the drafts accepted in them: entry j is how many accepted exactly j.</summary>
    public required IReadOnlyList<int> AcceptanceHistogram { get; init; }

    /// <summary>Runs.</summary>
    public required int NumSpecSteps { get; init; }

    /// <summary>Drafts the verdict confirmed.</summary>
    public required int NumAcceptedDraftTokens { get; init; }

    /// <summary>Drafts that got a verdict.</summary>
    public required int NumDraftTokens { get; init; }

    /// <summary>Drafts dropped because an earlier one was rejected.</summary>
    public required int NumCancelledDraftTokens { get; init; }

    /// <summary>Accepted drafts a micro-batch.</summary>
    public required double AcceptedPerCycle { get; init; }

    /// <summary>The request's rows a micro-batch.</summary>
    public required double RowsPerCycle { get; init; }

    /// <summary>Verified and accepted drafts by source and step.</summary>
    public required IReadOnlyList<SourceMetrics> Sources { get; init; }
}

/// <summary>What became of the drafts of one source that entered for one of its steps.</summary>
internal sealed record SourceMetrics
{
    /// <summary><c>exit_head</c>, <c>ngram</c> or <c>echo</c>.</summary>
    public required string Source { get; init; }

    /// <summary>How many tokens ahead, from 0.</summary>
    public required int Step { get; init; }

    /// <summary>Drafts that got a verdict.</summary>
    public required int NumDraftTokens { get; init; }

    /// <summary>Drafts the verdict confirmed.</summary>
    public required int NumAcceptedDraftTokens { get; init; }
}
