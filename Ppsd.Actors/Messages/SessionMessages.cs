using MessagePack;
using Ppsd.Actors.Ids;

namespace Ppsd.Actors.Messages;

// Between a client and the draft stage, where a session lives.

/// <summary>
/// Asks for a generation. Client to coordinator, which passes it on to the draft stage; in one process straight to the
/// draft stage. Answered by <see cref="SessionStarted"/> or <see cref="SessionRefused"/>. A client has one session:
/// repeat delivery is safe while it lives.
/// </summary>
[MessagePackObject]
public sealed record StartSession : IWireMessage, IControlMessage
{
    /// <summary>The prompt, at least one token.</summary>
    [Key(0)]
    public required TokenId[] Prompt { get; init; }

    /// <summary>Most tokens to generate, at least 1.</summary>
    [Key(1)]
    public required int MaxTokens { get; init; }

    /// <summary>Tokens that end the text; empty to ignore them.</summary>
    [Key(2)]
    public required TokenId[] EndTokens { get; init; }

    /// <summary>What drafts for it; nothing for autoregressive decoding.</summary>
    [Key(3)]
    public required DraftSources Drafts { get; init; }

    /// <summary>How its tokens are drawn.</summary>
    [Key(4)]
    public required SamplingSettings Sampling { get; init; }

    /// <summary>Most candidates of a micro-batch; 0 to choose by what rows cost and what sources propose.</summary>
    [Key(5)]
    public int MaxWidth { get; init; } = 1;

    /// <summary>True to receive drafts as they appear and vanish.</summary>
    [Key(6)]
    public bool ShowDrafts { get; init; }

    /// <summary>Fingerprint of the model whose tokens these are; empty skips the check.</summary>
    [Key(7)]
    public string ModelFingerprint { get; init; } = "";

    /// <summary>
    /// 0 to 20: log-probabilities come with each token, and of as many of the most probable alternatives; null for none.
    /// </summary>
    [Key(8)]
    public int? TopLogprobs { get; init; }

    /// <summary>Span of the request (https://www.w3.org/TR/trace-context/) that stages' spans belong to; null for none.</summary>
    [Key(9)]
    public string? TraceParent { get; init; }

    /// <summary>
    /// Most tokens on their way to a client that has not read them; <see cref="TokenCredit"/> grants more. 0 for no
    /// limit.
    /// </summary>
    [Key(10)]
    public int Window { get; init; }

    /// <summary>Most tokens a chain head drafts ahead of a candidate; 0 for <see cref="StageDescription.StandardDepth"/>.</summary>
    [Key(11)]
    public int ChainDepth { get; init; }

    /// <summary>True where nobody asked for that many tokens: the draft stage lowers the limit to what the pipeline holds.</summary>
    [Key(12)]
    public bool MayShorten { get; init; }

    /// <summary>
    /// What pipelines that are gone have generated of the text; this one goes on behind it. It counts as generated for limits,
    /// penalties and indices, and is computed as a prompt is.
    /// </summary>
    [Key(13)]
    public TokenId[] Generated { get; init; } = [];

    /// <summary>How many pipelines have had the text before: a later attempt of a client takes the place of an earlier one.</summary>
    [Key(14)]
    public int Attempt { get; init; }

    /// <summary>
    /// <see cref="PipelineArithmetic"/> of the pipeline that began the text: another one would go on with other numbers, and
    /// refuses it. Empty for a text that begins.
    /// </summary>
    [Key(15)]
    public string Arithmetic { get; init; } = "";

    /// <summary>The session that the text was lost with: stages that have lived may keep its keys and values. Null for none.</summary>
    [Key(16)]
    public SessionId? Earlier { get; init; }
}

/// <summary>
/// The request waits for KV memory; <see cref="SessionStarted"/> follows. Draft stage to client.
/// </summary>
/// <param name="Position">Its place among those waiting, from 1.</param>
/// <param name="Attempt">The client's attempt that waits.</param>
[MessagePackObject]
public sealed record SessionQueued([property: Key(0)] int Position, [property: Key(1)] int Attempt = 0) : IWireMessage;

/// <summary>The session lives. Draft stage to client.</summary>
/// <param name="Session">Its id.</param>
/// <param name="Attempt">The client's attempt that it is of.</param>
/// <param name="MaxTokens">The token limit where the draft stage has lowered it; 0 for the one that was asked for.</param>
/// <param name="Arithmetic">How the pipeline computes, see <see cref="PipelineArithmetic"/>.</param>
[MessagePackObject]
public sealed record SessionStarted(
    [property: Key(0)] SessionId Session,
    [property: Key(1)] int Attempt = 0,
    [property: Key(2)] int MaxTokens = 0,
    [property: Key(3)] string Arithmetic = ""
) : IWireMessage;

/// <summary>Why a session was refused.</summary>
public enum RefusalKind
{
    /// <summary>The request can never be served in this form.</summary>
    BadRequest,

    /// <summary>It cannot be served now; later may do.</summary>
    Unavailable,
}

/// <summary>The session was not started. Draft stage or coordinator to client.</summary>
/// <param name="Kind">Whether trying again can help.</param>
/// <param name="Reason">One line for the user.</param>
[MessagePackObject]
public sealed record SessionRefused([property: Key(0)] RefusalKind Kind, [property: Key(1)] string Reason)
    : IWireMessage;

/// <summary>Verified tokens, in order. Draft stage to client. Never taken back.</summary>
/// <param name="FirstIndex">Index of the first among the session's generated tokens, from 0.</param>
/// <param name="Logprobs">
/// The target's log-probabilities of each token; null when the client did not request them.
/// </param>
[MessagePackObject]
public sealed record TokensEmitted(
    [property: Key(0)] SessionId Session,
    [property: Key(1)] int FirstIndex,
    [property: Key(2)] TokenId[] Tokens,
    [property: Key(3)] TokenLogprobs[]? Logprobs = null
) : IWireMessage;

/// <summary>
/// The client has read tokens and accepts as many more. Client to draft stage, which buffers the rest. Late delivery is
/// safe, as is a count above the tokens sent; a lost message shrinks the window.
/// </summary>
/// <param name="Count">Tokens read since the credit before.</param>
[MessagePackObject]
public sealed record TokenCredit([property: Key(0)] SessionId Session, [property: Key(1)] int Count)
    : IWireMessage,
        IControlMessage;

/// <summary>
/// Drafts in flight after the last verified token, for display only. Draft stage to client, when it asked for them.
/// Replaces what an earlier message said.
/// </summary>
/// <param name="VerifiedCount">Generated tokens the drafts follow.</param>
/// <param name="Tokens">The likeliest draft for each place, one behind the other.</param>
/// <param name="Others">For each of them the other drafts for its place, the likeliest first; null where there are none at all.</param>
[MessagePackObject]
public sealed record DraftsInFlight(
    [property: Key(0)] SessionId Session,
    [property: Key(1)] int VerifiedCount,
    [property: Key(2)] TokenId[] Tokens,
    [property: Key(3)] TokenId[][]? Others = null
) : IWireMessage;

/// <summary>Why a generation ended.</summary>
public enum FinishReason
{
    /// <summary>End of text.</summary>
    Stop,

    /// <summary>The token limit.</summary>
    Length,

    /// <summary>The client cancelled it (or found a stop string).</summary>
    Cancelled,
}

/// <summary>The generation ended. Draft stage to client; the last message of a session.</summary>
/// <param name="Reason">Why.</param>
/// <param name="Stats">Its figures.</param>
[MessagePackObject]
public sealed record SessionEnded(
    [property: Key(0)] SessionId Session,
    [property: Key(1)] FinishReason Reason,
    [property: Key(2)] SessionStats Stats
) : IWireMessage;

/// <summary>The generation broke off. Draft stage to client; the last message of a session.</summary>
/// <param name="Reason">One line for the user.</param>
/// <param name="IsFault">True when a stage failed to compute; false when one was lost, and trying again may help.</param>
[MessagePackObject]
public sealed record SessionFailed(
    [property: Key(0)] SessionId Session,
    [property: Key(1)] string Reason,
    [property: Key(2)] bool IsFault
) : IWireMessage;

/// <summary>Ends a session early. Client to draft stage. Repeat delivery is safe.</summary>
[MessagePackObject]
public sealed record StopSession([property: Key(0)] SessionId Session) : IWireMessage, IControlMessage;

/// <summary>Figures of one session; docs/benchmarking.md defines each.</summary>
[MessagePackObject]
public sealed record SessionStats
{
    /// <summary>What drafted for it.</summary>
    [Key(0)]
    public required DraftSources Drafts { get; init; }

    /// <summary>Stages of the pipeline.</summary>
    [Key(1)]
    public required int StageCount { get; init; }

    /// <summary>Tokens of the prompt.</summary>
    [Key(2)]
    public required int PromptTokens { get; init; }

    /// <summary>Tokens generated.</summary>
    [Key(3)]
    public required int GeneratedTokens { get; init; }

    /// <summary>Drafts that got a verdict.</summary>
    [Key(4)]
    public required int VerifiedDrafts { get; init; }

    /// <summary>Drafts the verdict confirmed.</summary>
    [Key(5)]
    public required int AcceptedDrafts { get; init; }

    /// <summary>Drafts dropped in flight because an earlier one was rejected.</summary>
    [Key(6)]
    public required int CancelledDrafts { get; init; }

    /// <summary>Runs ended by a rejection.</summary>
    [Key(7)]
    public required int Rollbacks { get; init; }

    /// <summary>Runs started again because a message was lost.</summary>
    [Key(8)]
    public required int Restarts { get; init; }

    /// <summary>Milliseconds from the session's start to its first token.</summary>
    [Key(9)]
    public required double TimeToFirstTokenMs { get; init; }

    /// <summary>Milliseconds from the first token to the last.</summary>
    [Key(10)]
    public required double DecodeMs { get; init; }

    /// <summary>Milliseconds between micro-batches entering stage 1, on average over the decode; 0 with fewer than two.</summary>
    [Key(11)]
    public required double MeanCycleMs { get; init; }

    /// <summary>
    /// Runs by the drafts accepted in them: entry j is how many runs accepted exactly j. Empty for autoregressive
    /// decoding; otherwise the entries add up to the runs, each of which ended with a rejection, a restart or the text.
    /// </summary>
    [Key(12)]
    public required int[] AcceptanceHistogram { get; init; }

    /// <summary>Judged drafts by source and step; only those there were.</summary>
    [Key(13)]
    public DraftSourceFigures[] Sources { get; init; } = [];

    /// <summary>
    /// Times another pipeline went on with the text. Counts of drafts, runs and restarts are then those since the last time;
    /// tokens and times are the whole text's.
    /// </summary>
    [Key(14)]
    public int Resumes { get; init; }

    /// <summary>Generated tokens that were computed again for it, each time counted.</summary>
    [Key(15)]
    public int ReplayedTokens { get; init; }

    /// <summary>Micro-batches with rows of the session, those of its prompt aside.</summary>
    [Key(16)]
    public int Cycles { get; init; }

    /// <summary>Its rows in them.</summary>
    [Key(17)]
    public int Rows { get; init; }

    /// <summary>Rows over cycles; 0 without a cycle.</summary>
    [IgnoreMember]
    public double RowsPerCycle => Cycles == 0 ? 0 : (double)Rows / Cycles;

    /// <summary>Accepted drafts over cycles; 0 without a cycle.</summary>
    [IgnoreMember]
    public double AcceptedPerCycle => Cycles == 0 ? 0 : (double)AcceptedDrafts / Cycles;

    /// <summary>Runs; 0 for autoregressive decoding.</summary>
    [IgnoreMember]
    public int Runs => AcceptanceHistogram.Sum();

    /// <summary>Accepted over verified drafts (alpha); 0 when none was verified.</summary>
    [IgnoreMember]
    public double AcceptanceRate => VerifiedDrafts == 0 ? 0 : (double)AcceptedDrafts / VerifiedDrafts;

    /// <summary>Tokens per second after the first token; 0 with fewer than two tokens.</summary>
    [IgnoreMember]
    public double TokensPerSecond => DecodeMs <= 0 ? 0 : (GeneratedTokens - 1) * 1000.0 / DecodeMs;
}
