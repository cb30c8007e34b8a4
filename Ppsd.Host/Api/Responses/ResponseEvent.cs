using System.Text.Json.Serialization;

namespace Ppsd.Host.Api.Responses;

/// <summary>An event of a stream of <c>/v1/responses</c>; each type has some of the fields.</summary>
/// <param name="Type">What happened; also the name of the event.</param>
/// <param name="SequenceNumber">Events before it.</param>
internal sealed record ResponseEvent(
    [property: JsonPropertyOrder(-2)] string Type,
    [property: JsonPropertyOrder(-1)] int SequenceNumber
)
{
    /// <summary>The response as it stands.</summary>
    public ResponseObject? Response { get; init; }

    /// <summary>Place of the message in the output.</summary>
    public int? OutputIndex { get; init; }

    /// <summary>The message.</summary>
    public OutputMessage? Item { get; init; }

    /// <summary>Id of the message.</summary>
    public string? ItemId { get; init; }

    /// <summary>Place of the text in the message.</summary>
    public int? ContentIndex { get; init; }

    /// <summary>The text.</summary>
    public OutputText? Part { get; init; }

    /// <summary>Text that was added.</summary>
    public string? Delta { get; init; }

    /// <summary>The whole text.</summary>
    public string? Text { get; init; }

    /// <summary>What the target thought of the tokens that were added, or of all.</summary>
    public ChatTokenLogprob[]? Logprobs { get; init; }

    /// <summary>Texts of the drafts in flight (ours, when asked for).</summary>
    public IReadOnlyList<string>? Drafts { get; init; }

    /// <summary>For each draft the other drafts for its place; absent where there are none.</summary>
    public IReadOnlyList<IReadOnlyList<string>>? OtherDrafts { get; init; }

    /// <summary>What went wrong, as other routes say it.</summary>
    public ErrorDetail? Error { get; init; }

    /// <summary>What went wrong, for programs.</summary>
    public string? Code { get; init; }

    /// <summary>What went wrong, for people.</summary>
    public string? Message { get; init; }

    /// <summary>Field at fault.</summary>
    public string? Param { get; init; }
}
