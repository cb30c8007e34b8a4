using MessagePack;
using Ppsd.Actors.Ids;

namespace Ppsd.Actors.Messages;

// The data path, in the order a token meets it: Forward down the stages, Drafts and Verdicts back to the draft stage,
// Cancel to all when a verdict rejects. docs/protocol.md describes the order; each message's summary names sender and
// receiver.

/// <summary>The path to which every stage holds keys and values and whose verdicts have arrived.</summary>
/// <param name="Head">Last candidate of the path, or <see cref="CandidateId.Root"/>.</param>
/// <param name="Length">Tokens on the path.</param>
[MessagePackObject]
public readonly record struct VerifiedPath([property: Key(0)] CandidateId Head, [property: Key(1)] int Length)
{
    /// <summary>The path before the first token.</summary>
    public static VerifiedPath Empty { get; } = new(CandidateId.Root, 0);
}

/// <summary>
/// Hidden states of a micro-batch, ready for the next layers. Stage i to stage i + 1, in order, at most the credit
/// window in flight. Repeat delivery is safe, since each has memory of its own: candidates already held are recognised and
/// dropped.
/// </summary>
/// <param name="Hidden">
/// Exactly the values that the next layer would read locally. The receiver owns them after delivery.
/// </param>
[MessagePackObject]
public sealed record Forward([property: Key(0)] MicroBatch Batch, [property: Key(1)] HiddenStates Hidden)
    : IWireMessage;

/// <summary>
/// The receiver has begun the micro-batch and its place in the window is free. Stage i + 1 to stage i. Repeat and late
/// delivery are safe: a credit names its micro-batch and counts once.
/// </summary>
/// <param name="Number">The micro-batch.</param>
[MessagePackObject]
public sealed record Credit([property: Key(0)] BatchNumber Number) : IWireMessage, IControlMessage;

/// <summary>A token an exit head proposes somewhere behind a candidate.</summary>
/// <param name="Origin">The candidate the head drafted from.</param>
/// <param name="LogProbability">
/// How sure the head is of it, given that the tokens before it are right; orders proposals that compete for a place.
/// </param>
/// <param name="Step">
/// 0 for a successor of the candidate. The tokens of step j follow the best tokens of steps 0 to j - 1, each the first of
/// its step in the message.
/// </param>
[MessagePackObject]
public readonly record struct DraftedToken(
    [property: Key(0)] CandidateId Origin,
    [property: Key(1)] TokenId Token,
    [property: Key(2)] float LogProbability,
    [property: Key(3)] int Step = 0
);

/// <summary>
/// Drafts for a session's candidates of one micro-batch. The stage that holds the exit head to the draft stage (to itself when
/// it is the draft stage). Repeat delivery is safe: a candidate's drafts are taken once.
/// </summary>
/// <param name="Run">The run; drafts of an earlier one are dropped.</param>
/// <param name="Tokens">Proposals: candidate by candidate, their steps in order, the best of each step first.</param>
[MessagePackObject]
public sealed record Drafts(
    [property: Key(0)] SessionId Session,
    [property: Key(1)] RunId Run,
    [property: Key(2)] DraftedToken[] Tokens
) : IWireMessage, IControlMessage;

/// <summary>The target's tokens after one session's candidates of a micro-batch.</summary>
/// <param name="Run">The run; verdicts of an earlier one are dropped.</param>
/// <param name="Candidates">Candidates judged, in the order they entered.</param>
/// <param name="Tokens">The target's token after each.</param>
/// <param name="Logprobs">
/// The target's log-probabilities of each token; null when the session did not request them.
/// </param>
[MessagePackObject]
public sealed record SessionVerdicts(
    [property: Key(0)] SessionId Session,
    [property: Key(1)] RunId Run,
    [property: Key(2)] CandidateId[] Candidates,
    [property: Key(3)] TokenId[] Tokens,
    [property: Key(4)] TokenLogprobs[]? Logprobs = null
);

/// <summary>
/// Verdicts on a micro-batch, of all its sessions together, so that the draft stage's next micro-batch can take them all.
/// Last stage to draft stage. Repeat delivery is safe: a candidate gets one verdict.
/// </summary>
/// <param name="Sessions">Each session's verdicts.</param>
[MessagePackObject]
public sealed record Verdicts([property: Key(0)] SessionVerdicts[] Sessions) : IWireMessage, IControlMessage
{
    /// <summary>Milliseconds that their micro-batch spent at stages, waits included.</summary>
    [Key(1)]
    public double StageMs { get; init; }

    /// <summary>Timestamp of its arrival in the draft stage's mailbox; the receiver's own, never sent.</summary>
    [IgnoreMember]
    internal long ArrivedAt { get; set; }
}

/// <summary>
/// Kills a run, or branches of it, at every stage. Draft stage to all stages at once; takes effect when it is enqueued,
/// ahead of queued work and between the layers of running work. A hint for speed only: repeat, loss and any delay are
/// safe.
/// </summary>
/// <param name="Floor">Runs before this one are dead.</param>
/// <param name="Branch">Candidates of the living run that died with a sibling's acceptance, descendants included.</param>
[MessagePackObject]
public sealed record Cancel(
    [property: Key(0)] SessionId Session,
    [property: Key(1)] RunId Floor,
    [property: Key(2)] CandidateId[] Branch
) : IWireMessage, IControlMessage;

/// <summary>
/// A stage cannot place a micro-batch: something before it was lost. Stage to draft stage, which starts a new run from
/// the last verdict. Repeat delivery is safe: it counts only for the run it names.
/// </summary>
/// <param name="Run">The run with the gap.</param>
[MessagePackObject]
public sealed record GapSeen([property: Key(0)] SessionId Session, [property: Key(1)] RunId Run)
    : IWireMessage,
        IControlMessage;

/// <summary>
/// The session is over: drop its work and free its pages. Draft stage to all stages; sent again until answered by
/// <see cref="SessionReleased"/>. Repeat delivery is safe.
/// </summary>
[MessagePackObject]
public sealed record EndSession([property: Key(0)] SessionId Session) : IWireMessage, IControlMessage;

/// <summary>The stage has released everything of the session. Stage to draft stage. Repeat delivery is safe.</summary>
[MessagePackObject]
public sealed record SessionReleased([property: Key(0)] SessionId Session, [property: Key(1)] StageIndex Stage)
    : IWireMessage,
        IControlMessage;

/// <summary>
/// A stage cannot serve a session (its cache is full, its device failed). Stage to draft stage, which ends the session
/// with this reason. Repeat delivery is safe.
/// </summary>
/// <param name="Reason">One line for the user.</param>
[MessagePackObject]
public sealed record StageFault(
    [property: Key(0)] SessionId Session,
    [property: Key(1)] StageIndex Stage,
    [property: Key(2)] string Reason
) : IWireMessage, IControlMessage;
