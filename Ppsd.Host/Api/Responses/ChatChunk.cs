using System.Text.Json.Serialization;

namespace Ppsd.Host.Api.Responses;

/// <summary>A piece of a streamed answer of <c>/v1/chat/completions</c>.</summary>
internal sealed record ChatChunk
{
    /// <summary>Names the answer; the same in all pieces.</summary>
    public required string Id { get; init; }

    /// <summary>What this is.</summary>
    public string Object { get; } = "chat.completion.chunk";

    /// <summary>Seconds since 1970.</summary>
    public required long Created { get; init; }

    /// <summary>The model.</summary>
    public required string Model { get; init; }

    /// <summary>Changes when the same request may give another text.</summary>
    public required string SystemFingerprint { get; init; }

    /// <summary>The piece; none in the last one with the usage, and in those with drafts.</summary>
    public required ChatChunkChoice[] Choices { get; init; }

    /// <summary>Tokens used; in the last piece, when asked for.</summary>
    public Usage? Usage { get; init; }

    /// <summary>The request's figures; with the finish reason, when asked for.</summary>
    public RequestMetrics? Metrics { get; init; }

    /// <summary>Texts of the drafts now in flight behind the text, when asked for; replaces those sent before.</summary>
    public IReadOnlyList<string>? Drafts { get; init; }
}

/// <summary>A piece of one answer.</summary>
internal sealed record ChatChunkChoice(
    int Index,
    ChatDelta Delta,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] ChatLogprobs? Logprobs,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] string? FinishReason
);

/// <summary>What a piece adds.</summary>
internal sealed record ChatDelta(string? Role = null, string? Content = null);
