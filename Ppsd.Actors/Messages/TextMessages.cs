using MessagePack;
using Ppsd.Actors.Ids;

namespace Ppsd.Actors.Messages;

// Between a client that has no tokenizer and a text gateway, a node that has the model's. The gateway starts a session
// like any client; here only text travels.

/// <summary>
/// Asks for a text. Client to a text gateway; answered by <see cref="TextAccepted"/> or <see cref="TextFailed"/>. Not to
/// be repeated: each one starts a text.
/// </summary>
[MessagePackObject]
public sealed record StartText : IWireMessage
{
    /// <summary>Turns of a conversation, rendered by the model's chat template; null for a raw prompt.</summary>
    [Key(0)]
    public ChatTurn[]? Conversation { get; init; }

    /// <summary>A raw prompt; null for a conversation.</summary>
    [Key(1)]
    public string? Prompt { get; init; }

    /// <summary>How to generate.</summary>
    [Key(2)]
    public required TextSettings Settings { get; init; }

    /// <summary>Segments the gateway may send ahead of the reader.</summary>
    [Key(3)]
    public required int Window { get; init; }

    /// <summary>Where the text was when its gateway was lost: this one sends what comes behind. Null for a text that begins.</summary>
    [Key(4)]
    public ResumePoint? From { get; init; }
}

/// <summary>What a text began with that another pipeline must keep to.</summary>
/// <param name="MaxTokens">Its token limit.</param>
/// <param name="Arithmetic">How its pipeline computes, see <see cref="PipelineArithmetic"/>.</param>
[MessagePackObject]
public sealed record TextTerms([property: Key(0)] int MaxTokens, [property: Key(1)] string Arithmetic);

/// <summary>Where a text is.</summary>
/// <param name="Tokens">Its tokens, whose text the reader has.</param>
/// <param name="Terms">What it began with.</param>
[MessagePackObject]
public sealed record ResumePoint([property: Key(0)] TokenId[] Tokens, [property: Key(1)] TextTerms Terms);

/// <summary>A turn of a conversation.</summary>
/// <param name="Role"><c>system</c>, <c>user</c> or <c>assistant</c>.</param>
/// <param name="Content">What was said.</param>
[MessagePackObject]
public sealed record ChatTurn([property: Key(0)] string Role, [property: Key(1)] string Content);

/// <summary>The text is on its way. A gateway's session to the client, first.</summary>
/// <param name="Model">Name of the model.</param>
[MessagePackObject]
public sealed record TextAccepted([property: Key(0)] string Model) : IWireMessage;

/// <summary>The node is leaving and takes no more texts: ask another. A gateway to the client.</summary>
[MessagePackObject]
public sealed record TextDeclined : IWireMessage;

/// <summary>More of the text. A gateway's session to the client, in order; never retracted.</summary>
/// <param name="Index">Segments before this one.</param>
/// <param name="Text">Whole characters; empty when a token's text is held back or there is none.</param>
/// <param name="Logprobs">
/// The target's log-probabilities of the tokens since the last segment; null when not requested.
/// </param>
/// <param name="Tokens">The tokens since the last segment: another gateway needs them to go on.</param>
/// <param name="Terms">What the text began with, in its first segment.</param>
[MessagePackObject]
public sealed record TextEmitted(
    [property: Key(0)] long Index,
    [property: Key(1)] string Text,
    [property: Key(2)] TextLogprobs[]? Logprobs = null,
    [property: Key(3)] TokenId[]? Tokens = null,
    [property: Key(4)] TextTerms? Terms = null
) : IWireMessage;

/// <summary>The reader has read this many more segments. Client to its gateway session.</summary>
/// <param name="Count">At least 1.</param>
[MessagePackObject]
public sealed record TextCredit([property: Key(0)] int Count) : IWireMessage;

/// <summary>The text is complete. A gateway's session to the client, last.</summary>
/// <param name="Reason">Why it ended.</param>
/// <param name="Stats">Its figures.</param>
/// <param name="SegmentCount">Segments there were: the client has them all, or some are lost.</param>
[MessagePackObject]
public sealed record TextEnded(
    [property: Key(0)] FinishReason Reason,
    [property: Key(1)] SessionStats Stats,
    [property: Key(2)] long SegmentCount
) : IWireMessage;

/// <summary>The text was refused or broke off. A gateway or its session to the client, last.</summary>
/// <param name="Failure">Of what kind.</param>
/// <param name="Reason">One line for the user.</param>
[MessagePackObject]
public sealed record TextFailed([property: Key(0)] Client.GenerationFailure Failure, [property: Key(1)] string Reason)
    : IWireMessage;

/// <summary>Nobody reads any more. Client to its gateway session. Repeat delivery is safe.</summary>
[MessagePackObject]
public sealed record StopText : IWireMessage;
