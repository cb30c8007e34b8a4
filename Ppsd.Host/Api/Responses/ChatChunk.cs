using System.Text.Json.Serialization;

namespace Ppsd.Host.Api.Responses;

/// <summary>A piece of a streamed answer of <c>/v1/chat/completions</c>.</summary>
internal sealed record ChatChunk : Answer
{
    public override string Object => "chat.completion.chunk";

    /// <summary>The piece; none in the last one with the usage, and in those with drafts.</summary>
    public required ChatChunkChoice[] Choices { get; init; }
}

/// <summary>A piece of one answer.</summary>
internal sealed record ChatChunkChoice(
    int Index,
    ChatDelta Delta,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] ChatLogprobs? Logprobs,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] string? FinishReason
);

/// <summary>The text added by one chunk.</summary>
internal sealed record ChatDelta(string? Role = null, string? Content = null);
