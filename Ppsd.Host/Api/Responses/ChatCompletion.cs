using System.Text.Json.Serialization;

namespace Ppsd.Host.Api.Responses;

/// <summary>Answer of <c>/v1/chat/completions</c>, whole.</summary>
internal sealed record ChatCompletion : Answer
{
    public override string Object => "chat.completion";

    /// <summary>One answer.</summary>
    public required ChatChoice[] Choices { get; init; }
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
