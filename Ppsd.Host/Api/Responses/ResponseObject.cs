using System.Text.Json;
using System.Text.Json.Serialization;

namespace Ppsd.Host.Api.Responses;

/// <summary>Answer of <c>/v1/responses</c>; also what its stream begins and ends with.</summary>
internal sealed record ResponseObject
{
    /// <summary>Names the response.</summary>
    public required string Id { get; init; }

    /// <summary>What this is.</summary>
    public string Object { get; } = "response";

    /// <summary>Seconds since 1970.</summary>
    public required long CreatedAt { get; init; }

    /// <summary>Seconds since 1970; null while it is not complete.</summary>
    public long? CompletedAt { get; init; }

    /// <summary><c>in_progress</c>, <c>completed</c>, <c>incomplete</c> or <c>failed</c>.</summary>
    public required string Status { get; init; }

    /// <summary>Never a job to look at later.</summary>
    public bool Background { get; }

    /// <summary>Why it failed; null unless it did.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public ResponseError? Error { get; init; }

    /// <summary>Why the text is cut off; null when it is not.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public IncompleteDetails? IncompleteDetails { get; init; }

    /// <summary>What stood before the conversation.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public string? Instructions { get; init; }

    /// <summary>Most tokens asked for.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public int? MaxOutputTokens { get; init; }

    /// <summary>The model.</summary>
    public required string Model { get; init; }

    /// <summary>The assistant's message, once there is text.</summary>
    public required OutputMessage[] Output { get; init; }

    /// <summary>There are no tools to call.</summary>
    public bool ParallelToolCalls { get; } = true;

    /// <summary>Responses are not kept.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public string? PreviousResponseId { get; }

    /// <summary>What the template was given.</summary>
    public required ResponseReasoning Reasoning { get; init; }

    /// <summary>Responses are not kept.</summary>
    public bool Store { get; }

    /// <summary>Divides logits.</summary>
    public required float Temperature { get; init; }

    /// <summary>Always plain.</summary>
    public ResponseText Text { get; } = new(new ResponseTextFormat("text"));

    /// <summary>There are no tools to call.</summary>
    public string ToolChoice { get; } = "auto";

    /// <summary>None.</summary>
    public string[] Tools { get; } = [];

    /// <summary>Alternatives reported with each token.</summary>
    public required int TopLogprobs { get; init; }

    /// <summary>Share of the probability that tokens are drawn from.</summary>
    public required float TopP { get; init; }

    /// <summary>A conversation that is too long is refused.</summary>
    public string Truncation { get; } = "disabled";

    /// <summary>Tokens used; null while it is not complete.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public ResponseUsage? Usage { get; init; }

    /// <summary>The client's own notes.</summary>
    public JsonElement? Metadata { get; init; }

    /// <summary>Changes when the same request may give another text.</summary>
    public required string SystemFingerprint { get; init; }

    /// <summary>The seed its tokens were drawn with, given or drawn; absent where the likeliest tokens are taken.</summary>
    public ulong? Seed { get; init; }

    /// <summary>The request's figures, when asked for.</summary>
    public RequestMetrics? Metrics { get; init; }
}

/// <summary>Why a response failed.</summary>
internal sealed record ResponseError(string Code, string Message);

/// <summary>Why a text is cut off.</summary>
internal sealed record IncompleteDetails(string Reason);

/// <summary>What the template was given.</summary>
internal sealed record ResponseReasoning(
    [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] JsonElement? Effort,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] string? Summary = null
);

/// <summary>How the text is shaped.</summary>
internal sealed record ResponseText(ResponseTextFormat Format);

/// <summary>A shape of text.</summary>
internal sealed record ResponseTextFormat(string Type);

/// <summary>The assistant's message.</summary>
internal sealed record OutputMessage(string Id, string Status, OutputText[] Content)
{
    /// <summary>What this is.</summary>
    public string Type { get; } = "message";

    /// <summary>Always the assistant.</summary>
    public string Role { get; } = "assistant";
}

/// <summary>The text of a message.</summary>
internal sealed record OutputText(string Text, ChatTokenLogprob[] Logprobs)
{
    /// <summary>What this is.</summary>
    public string Type { get; } = "output_text";

    /// <summary>None.</summary>
    public string[] Annotations { get; } = [];
}

/// <summary>Tokens of a response.</summary>
internal sealed record ResponseUsage(int InputTokens, int OutputTokens)
{
    /// <summary>Both.</summary>
    public int TotalTokens => InputTokens + OutputTokens;

    /// <summary>Of the input's tokens.</summary>
    public InputTokensDetails InputTokensDetails { get; } = new();

    /// <summary>Of the output's tokens.</summary>
    public OutputTokensDetails OutputTokensDetails { get; } = new();
}

/// <summary>Of the input's tokens: none was kept from an earlier request.</summary>
internal sealed record InputTokensDetails(int CachedTokens = 0);

/// <summary>Of the output's tokens: what a model thinks aloud is text like any other.</summary>
internal sealed record OutputTokensDetails(int ReasoningTokens = 0);
