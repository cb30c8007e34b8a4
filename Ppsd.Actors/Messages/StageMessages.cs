using Akka.Actor;
using MessagePack;
using Ppsd.Actors.Ids;
using Ppsd.Actors.Stages;

namespace Ppsd.Actors.Messages;

// Forming a pipeline and asking its stages how they are.

/// <summary>A member of a pipeline.</summary>
/// <param name="Actor">Its actor.</param>
/// <param name="Description">What it holds.</param>
[MessagePackObject]
public sealed record PipelineStage([property: Key(0)] IActorRef Actor, [property: Key(1)] StageDescription Description);

/// <summary>
/// The stage has loaded. Stage to its host, and host to coordinator. Repeat delivery is safe.
/// </summary>
/// <param name="Stage">Its place.</param>
/// <param name="Member">The stage.</param>
[MessagePackObject]
public sealed record StageReady([property: Key(0)] StageIndex Stage, [property: Key(1)] PipelineStage Member)
    : IWireMessage;

/// <summary>The stage could not be loaded, or broke. Stage to its host, and host to coordinator.</summary>
/// <param name="Stage">Its place.</param>
/// <param name="Reason">One line for the user.</param>
[MessagePackObject]
public sealed record StageFailed([property: Key(0)] StageIndex Stage, [property: Key(1)] string Reason) : IWireMessage;

/// <summary>
/// The pipeline stands. Coordinator (or the local pipeline) to every stage; a stage drops whatever it held of an earlier
/// epoch. Repeat delivery is safe; an earlier epoch than the one it has is ignored.
/// </summary>
/// <param name="Epoch">The formation.</param>
/// <param name="Stages">All stages in order.</param>
/// <param name="ModelFingerprint">Fingerprint of the model they hold.</param>
[MessagePackObject]
public sealed record PipelineFormed(
    [property: Key(0)] PipelineEpoch Epoch,
    [property: Key(1)] PipelineStage[] Stages,
    [property: Key(2)] string ModelFingerprint
) : IWireMessage, IControlMessage;

/// <summary>Asks a stage for its figures. Anyone to a stage; answered by <see cref="StageStatus"/>.</summary>
[MessagePackObject]
public sealed record GetStageStatus : IWireMessage, IControlMessage;

/// <summary>A stage's figures since it started. Stage to whoever asked.</summary>
[MessagePackObject]
public sealed record StageStatus : IWireMessage
{
    /// <summary>Its place.</summary>
    [Key(0)]
    public required StageIndex Stage { get; init; }

    /// <summary>What it holds.</summary>
    [Key(1)]
    public required StageDescription Description { get; init; }

    /// <summary>Sessions open.</summary>
    [Key(2)]
    public required int OpenSessions { get; init; }

    /// <summary>KV pages held by sessions.</summary>
    [Key(3)]
    public required int UsedPages { get; init; }

    /// <summary>Milliseconds spent on micro-batches.</summary>
    [Key(4)]
    public required double BusyMs { get; init; }

    /// <summary>Milliseconds on completed micro-batches of candidates; chunks of prompts are not among them.</summary>
    [Key(5)]
    public required double DecodeMs { get; init; }

    /// <summary>Milliseconds of them in heads and sampling.</summary>
    [Key(6)]
    public required double DecodeHeadsMs { get; init; }

    /// <summary>Micro-batches of candidates completed.</summary>
    [Key(7)]
    public required long DecodeSteps { get; init; }

    /// <summary>Micro-batches dropped or abandoned because a cancel reached them.</summary>
    [Key(8)]
    public required long CancelledSteps { get; init; }

    /// <summary>Micro-batches waiting.</summary>
    [Key(9)]
    public required int QueueLength { get; init; }

    /// <summary>Candidates of the completed micro-batches; over <see cref="DecodeSteps"/> it is their mean width.</summary>
    [Key(30)]
    public long DecodeRows { get; init; }
}
