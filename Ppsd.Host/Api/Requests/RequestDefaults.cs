using Ppsd.Host.Generation;

namespace Ppsd.Host.Api.Requests;

/// <summary>Defaults for fields that a request leaves out.</summary>
internal sealed record RequestDefaults
{
    /// <summary>Most tokens of a chat answer; null for as many as the context holds.</summary>
    public int? ChatMaxTokens { get; init; }

    /// <summary>Most tokens of a completion, as OpenAI has it.</summary>
    public int CompletionMaxTokens { get; init; } = 16;

    /// <summary>What drafts; null for the exit head where there is one.</summary>
    public DraftSettings? Drafts { get; init; }

    /// <summary>True to answer every request with its own figures.</summary>
    public bool IncludesMetrics { get; init; }

    /// <summary>A seed for a request without one: two clients must not get the same draws.</summary>
    public Func<ulong> NextSeed { get; init; } = DrawnSeed.Next;
}
