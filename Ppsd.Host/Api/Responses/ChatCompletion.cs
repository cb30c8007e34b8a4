using System.Text.Json.Serialization;

namespace Ppsd.Host.Api.Responses;

/// <summary>Answer of <c>/v1/chat/completions</c>, whole.</summary>
internal sealed record ChatCompletion
{
    /// <summary>Names this answer.</summary>
    public required string Id { get; init; }

    /// <summary>What this is.</summary>
    public string Object { get; } = "chat.completion";

    /// <summary>Seconds since 1970.</summary>
    public required long Created { get; init; }

    /// <summary>The model.</summary>
    public required string Model { get; init; }

    /// <summary>One answer.</summary>
    public required ChatChoice[] Choices { get; init; }

    /// <summary>Tokens used.</summary>
    public required Usage Usage { get; init; }

    /// <summary>Changes when the same request may give another text.</summary>
    public required string SystemFingerprint { get; init; }

    /// <summary>The request's figures, when asked for.</summary>
    public RequestMetrics? Metrics { get; init; }
}

/// <summary>One answer.</summary>
internal sealed record ChatChoice(
    int Index,
    ChatAnswer Message,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] ChatLogprobs? Logprobs,
    string FinishReason
);

/// <summary>The assistant's message.</summary>
internal sealed record ChatAnswer(string Content)
{
    /// <summary>Always the assistant.</summary>
    public string Role { get; } = "assistant";

    /// <summary>The server never refuses for a model.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public string? Refusal { get; }
}
