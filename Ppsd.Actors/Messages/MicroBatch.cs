using MessagePack;
using Ppsd.Actors.Ids;

namespace Ppsd.Actors.Messages;

/// <summary>
/// What enters stage 1 in one cycle and passes all stages in one step each: parts of one or several sessions, whose rows
/// lie one after another. Parts live and die on their own; the number only tells micro-batches of a hop apart.
/// </summary>
/// <param name="Parts">At least one; at most one of a session.</param>
[MessagePackObject]
public sealed record MicroBatch([property: Key(0)] BatchNumber Number, [property: Key(1)] BatchPart[] Parts)
{
    /// <summary>
    /// Milliseconds that it has spent at stages so far, waits included, each by the stage's own clock: the rest of its round
    /// trip it spent on links.
    /// </summary>
    [Key(2)]
    public double StageMs { get; init; }

    /// <summary>Timestamp of its arrival at the stage that holds it; the holder's own, never sent. 0 where nobody noted it.</summary>
    [IgnoreMember]
    internal long ArrivedAt { get; set; }

    /// <summary>Rows of all parts.</summary>
    [IgnoreMember]
    public int Count { get; } = CountRows(Parts);

    /// <summary>
    /// First row that needs a successor. Only the first part may have rows before it: a prompt's chunk.
    /// </summary>
    [IgnoreMember]
    public int FirstHeadRow => Parts[0].FirstHeadRow;

    /// <summary>True when it carries a verified token of any session: such work goes before speculation.</summary>
    [IgnoreMember]
    public bool IsUrgent => Array.Exists(Parts, part => part.CertainCount > 0);

    /// <summary>What <see cref="StageMs"/> is when it leaves the stage that holds it now.</summary>
    internal double StageMsAt(TimeProvider clock) =>
        ArrivedAt == 0 ? StageMs : StageMs + clock.GetElapsedTime(ArrivedAt).TotalMilliseconds;

    private static int CountRows(BatchPart[]? parts)
    {
        var count = 0;
        foreach (var part in parts ?? [])
        {
            count += part?.Candidates?.Length ?? 0;
        }

        return count;
    }
}

/// <summary>
/// One session's share of a micro-batch: 1..W candidates, or a chunk of its prompt. Its ids, parents and base alone
/// suffice to bring a stage's cache into line, so a lost, late or repeated <see cref="Cancel"/> never matters to the text.
/// </summary>
[MessagePackObject]
public sealed record BatchPart
{
    /// <summary>The session.</summary>
    [Key(0)]
    public required SessionId Session { get; init; }

    /// <summary>The run; a stage rolls back to <see cref="Base"/> when it first sees a later one.</summary>
    [Key(1)]
    public required RunId Run { get; init; }

    /// <summary>Path to commit before these candidates are appended.</summary>
    [Key(2)]
    public required VerifiedPath Base { get; init; }

    /// <summary>Id of each candidate, counting up.</summary>
    [Key(3)]
    public required CandidateId[] Candidates { get; init; }

    /// <summary>Token of each candidate.</summary>
    [Key(4)]
    public required TokenId[] Tokens { get; init; }

    /// <summary>Parent of each candidate; parents come before children.</summary>
    [Key(5)]
    public required CandidateId[] Parents { get; init; }

    /// <summary>
    /// Number of leading candidates that were verified before they entered: prompt tokens and corrections.
    /// </summary>
    [Key(6)]
    public required int CertainCount { get; init; }

    /// <summary>First candidate that needs a successor; all prompt tokens but the last come before it.</summary>
    [Key(7)]
    public required int FirstHeadRow { get; init; }

    /// <summary>With the session's first candidates, so that a stage can open it.</summary>
    [Key(8)]
    public SessionSettings? Settings { get; init; }

    /// <summary>True when the exit head is to draft successors. Parts that draft come after those that do not.</summary>
    [Key(9)]
    public bool IsDrafting { get; init; }

    /// <summary>Tokens a chain is to draft ahead; 0 for as many as the session's settings say, never more.</summary>
    [Key(10)]
    public int Depth { get; init; }

    /// <summary>
    /// True when the exit head need not run for these candidates: before the session drafts with it again they enter once more.
    /// </summary>
    [Key(11)]
    public bool SkipsHead { get; init; }

    /// <summary>
    /// With the first candidates of a session that goes on with what stages keep of a text, and with those that are replayed:
    /// places of the stages, from 0, that keep nothing and get its tokens up to <see cref="Base"/> again. Null otherwise.
    /// </summary>
    [Key(12)]
    public int[]? Lacking { get; init; }

    /// <summary>True for verified tokens that only the stages in <see cref="Lacking"/> compute again; nobody judges them.</summary>
    [Key(13)]
    public bool IsReplayed { get; init; }

    /// <summary>Number of candidates.</summary>
    [IgnoreMember]
    public int Count => Candidates.Length;

    /// <summary>True when a stage lacks the tokens before this part.</summary>
    /// <param name="stage">Its place, from 0.</param>
    public bool IsLackedBy(int stage) => Lacking is not null && Array.IndexOf(Lacking, stage) >= 0;
}
