using System.Text.Json.Serialization;

namespace Ppsd.Host.Api.Responses;

/// <summary>Answer of <c>/v1/completions</c>: whole, or a piece of a stream.</summary>
internal sealed record TextCompletion : Answer
{
    public override string Object => "text_completion";

    /// <summary>One text, or a piece of it.</summary>
    public required TextChoice[] Choices { get; init; }
}

/// <summary>One text.</summary>
internal sealed record TextChoice(
    string Text,
    int Index,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] CompletionLogprobs? Logprobs,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] string? FinishReason
);
