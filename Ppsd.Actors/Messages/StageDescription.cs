using MessagePack;

namespace Ppsd.Actors.Messages;

/// <summary>A stage's layers, heads and limits, for planning and display.</summary>
[MessagePackObject]
public sealed record StageDescription
{
    /// <summary>Tokens that a chain drafts ahead where nobody asks for another number.</summary>
    public const int MostStandardDepth = 4;

    /// <summary>First layer, from 0.</summary>
    [Key(0)]
    public required int FirstLayer { get; init; }

    /// <summary>Layers.</summary>
    [Key(1)]
    public required int LayerCount { get; init; }

    /// <summary>True when the stage drafts.</summary>
    [Key(2)]
    public required bool HasExitHead { get; init; }

    /// <summary>True when the stage gives verdicts: the last one.</summary>
    [Key(3)]
    public required bool HasTargetHead { get; init; }

    /// <summary>Device in words.</summary>
    [Key(4)]
    public required string Device { get; init; }

    /// <summary>KV pages.</summary>
    [Key(5)]
    public required int PageCount { get; init; }

    /// <summary>Tokens per KV page.</summary>
    [Key(6)]
    public required int PageSize { get; init; }

    /// <summary>Longest sequence, in tokens.</summary>
    [Key(7)]
    public required int MaxLength { get; init; }

    /// <summary>Most rows of one step.</summary>
    [Key(8)]
    public required int MaxRows { get; init; }

    /// <summary>Most candidates of one session in a micro-batch.</summary>
    [Key(9)]
    public required int MaxWidth { get; init; }

    /// <summary>Bytes of weights one step reads.</summary>
    [Key(10)]
    public required long WeightBytes { get; init; }

    /// <summary>Tokens in the vocabulary.</summary>
    [Key(11)]
    public required int VocabSize { get; init; }

    /// <summary>Values of a hidden state.</summary>
    [Key(12)]
    public required int HiddenSize { get; init; }

    /// <summary>
    /// Most tokens its exit head drafts ahead of a candidate: 1 for a head that only ranks a candidate's successors, more
    /// for a chain. Without an exit head it means nothing.
    /// </summary>
    [Key(13)]
    public int DraftDepth { get; init; } = 1;

    /// <summary>
    /// Tokens it drafts ahead where nobody asks for another number: what lies further ahead is seldom right
    /// (docs/drafting.md).
    /// </summary>
    [IgnoreMember]
    public int StandardDepth => Math.Min(DraftDepth, MostStandardDepth);

    /// <summary>What rows cost here.</summary>
    [Key(14)]
    public RowCosts RowCosts { get; init; }

    /// <summary>Most candidates of a step, over all sessions; 0 for <see cref="MaxWidth"/>.</summary>
    [Key(15)]
    public int StepRows { get; init; }

    /// <summary>
    /// What its numbers depend on beside the model: the kind of device and settings. Stages that say the same compute the same
    /// bits.
    /// </summary>
    [Key(16)]
    public string Arithmetic { get; init; } = "";

    /// <summary>Most candidates of a step, over all sessions.</summary>
    [IgnoreMember]
    public int CandidatesPerStep => StepRows > 0 ? StepRows : MaxWidth;
}
