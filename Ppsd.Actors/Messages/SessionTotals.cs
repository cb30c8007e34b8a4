using MessagePack;

namespace Ppsd.Actors.Messages;

/// <summary>Figures of all sessions of a draft stage since it loaded; docs/benchmarking.md defines each.</summary>
[MessagePackObject]
public sealed record SessionTotals
{
    /// <summary>Sessions that are decoded now, or whose clients have yet to read some of their tokens.</summary>
    [Key(0)]
    public required int Running { get; init; }

    /// <summary>Requests waiting for KV memory now.</summary>
    [Key(1)]
    public required int Waiting { get; init; }

    /// <summary>Sessions that have ended, however they did.</summary>
    [Key(2)]
    public required long Ended { get; init; }

    /// <summary>Tokens of prompts.</summary>
    [Key(3)]
    public required long PromptTokens { get; init; }

    /// <summary>Tokens generated.</summary>
    [Key(4)]
    public required long GeneratedTokens { get; init; }

    /// <summary>Drafts that got a verdict.</summary>
    [Key(5)]
    public required long VerifiedDrafts { get; init; }

    /// <summary>Drafts the verdict confirmed.</summary>
    [Key(6)]
    public required long AcceptedDrafts { get; init; }

    /// <summary>Drafts dropped in flight because an earlier one was rejected.</summary>
    [Key(7)]
    public required long CancelledDrafts { get; init; }

    /// <summary>Runs ended by a rejection.</summary>
    [Key(8)]
    public required long Rollbacks { get; init; }

    /// <summary>Runs started again because a message was lost.</summary>
    [Key(9)]
    public required long Restarts { get; init; }

    /// <summary>Longest text, prompt included, that every stage holds, in tokens; 0 when there is no pipeline.</summary>
    [Key(10)]
    public int MaxTextLength { get; init; }

    /// <summary>Micro-batches with rows of a session, counted for each of its sessions; those of prompts aside.</summary>
    [Key(11)]
    public long Cycles { get; init; }

    /// <summary>Rows in them.</summary>
    [Key(12)]
    public long Rows { get; init; }

    /// <summary>Judged drafts by source and step; only those there were.</summary>
    [Key(13)]
    public SourceTotals[] Sources { get; init; } = [];
}
