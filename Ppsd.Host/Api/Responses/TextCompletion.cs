using System.Text.Json.Serialization;

namespace Ppsd.Host.Api.Responses;

/// <summary>Answer of <c>/v1/completions</c>: whole, or a piece of a stream.</summary>
internal sealed record TextCompletion
{
    /// <summary>Names this answer.</summary>
    public required string Id { get; init; }

    /// <summary>What this is.</summary>
    public string Object { get; } = "text_completion";

    /// <summary>Seconds since 1970.</summary>
    public required long Created { get; init; }

    /// <summary>The model.</summary>
    public required string Model { get; init; }

    /// <summary>Changes when the same request may give another text.</summary>
    public required string SystemFingerprint { get; init; }

    /// <summary>One text, or a piece of it.</summary>
    public required TextChoice[] Choices { get; init; }

    /// <summary>Tokens used.</summary>
    public Usage? Usage { get; init; }

    /// <summary>The request's figures, when asked for.</summary>
    public RequestMetrics? Metrics { get; init; }

    /// <summary>Texts of the drafts now in flight behind the text, when asked for; replaces those sent before.</summary>
    public IReadOnlyList<string>? Drafts { get; init; }
}

/// <summary>One text.</summary>
internal sealed record TextChoice(
    string Text,
    int Index,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] TextLogprobs? Logprobs,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] string? FinishReason
);
