using Akka.Actor;
using MessagePack;
using Ppsd.Actors.Ids;

namespace Ppsd.Actors.Messages;

// Forming a pipeline and asking its stages how they are.

/// <summary>A member of a pipeline.</summary>
/// <param name="Description">What it holds.</param>
/// <param name="Link">Endpoint for direct messages of the data path; null to use remoting for all.</param>
[MessagePackObject]
public sealed record PipelineStage(
    [property: Key(0)] IActorRef Actor,
    [property: Key(1)] StageDescription Description,
    [property: Key(2)] LinkEndpoint? Link = null
);

/// <summary>
/// The stage has loaded. Stage to its host, and host to coordinator. Repeat delivery is safe.
/// </summary>
/// <param name="Stage">Its place.</param>
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
/// <param name="Stages">All stages in order.</param>
/// <param name="ModelFingerprint">Fingerprint of the model they hold.</param>
/// <param name="Cause">Why an earlier one ended, for its sessions: which stage was lost; null when it is not known.</param>
[MessagePackObject]
public sealed record PipelineFormed(
    [property: Key(0)] PipelineEpoch Epoch,
    [property: Key(1)] PipelineStage[] Stages,
    [property: Key(2)] string ModelFingerprint,
    [property: Key(3)] string? Cause = null
) : IWireMessage, IControlMessage;

/// <summary>Asks a stage for its figures. Anyone to a stage; answered by <see cref="StageStatus"/>.</summary>
[MessagePackObject]
public sealed record GetStageStatus : IWireMessage, IControlMessage;

/// <summary>A stage's figures since it started. Stage to the sender of the question.</summary>
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

    /// <summary>Milliseconds the device worked on micro-batches, by its runtime's count.</summary>
    [Key(10)]
    public double DeviceMs { get; init; }

    /// <summary>Bytes the device's operations allocated on the stage's thread.</summary>
    [Key(11)]
    public long DeviceAllocatedBytes { get; init; }

    /// <summary>Bytes the stage's thread allocated otherwise: messages and their handling.</summary>
    [Key(12)]
    public long ProtocolAllocatedBytes { get; init; }

    /// <summary>Memory of the stage's process that no file backs.</summary>
    [Key(13)]
    public long HostMemoryBytes { get; init; }

    /// <summary>Milliseconds the runtime took to load.</summary>
    [Key(14)]
    public double LoadMs { get; init; }

    /// <summary>Milliseconds of cycles of the draft loop: from a micro-batch to the drafts that follow it at once.</summary>
    [Key(15)]
    public double CycleMs { get; init; }

    /// <summary>Milliseconds of those cycles in which the device worked.</summary>
    [Key(16)]
    public double CycleDeviceMs { get; init; }

    /// <summary>Cycles counted.</summary>
    [Key(17)]
    public long Cycles { get; init; }

    /// <summary>Milliseconds between the arrival of verdicts that rejected and the first micro-batches of their new runs.</summary>
    [Key(18)]
    public double RejectionMs { get; init; }

    /// <summary>Rejections counted.</summary>
    [Key(19)]
    public long Rejections { get; init; }

    /// <summary>Milliseconds since the stage had loaded, by its own clock; shares of time are differences over this.</summary>
    [Key(20)]
    public double UpMs { get; init; }

    /// <summary>Milliseconds a probe took to the next stage's mailbox and back; null at the last stage, or unknown yet.</summary>
    [Key(21)]
    public double? LinkRoundTripMs { get; init; }

    /// <summary>Figures of all sessions, at the draft stage; null at the others.</summary>
    [Key(22)]
    public SessionTotals? Sessions { get; init; }

    /// <summary>Rows that went through its layers: of prompts, verified tokens and drafts.</summary>
    [Key(26)]
    public long ComputedRows { get; init; }

    /// <summary>Bytes of hidden states it has sent and keeps, to send them again to a stage that takes the next one's place.</summary>
    [Key(27)]
    public long SentRowBytes { get; init; }

    /// <summary>Messages its process was sent and did not read: off the allow-list, or not what they say they are.</summary>
    [Key(25)]
    public long RefusedMessages { get; init; }

    /// <summary>Candidates of the completed micro-batches; over <see cref="DecodeSteps"/> it is their mean width.</summary>
    [Key(23)]
    public long DecodeRows { get; init; }

    /// <summary>Bytes of hidden states handed to the next stage.</summary>
    [Key(24)]
    public long LinkBytes { get; init; }
}

/// <summary>
/// Measures a link. Stage to the next one, whose mailbox answers with <see cref="LinkEcho"/> when it is enqueued: no
/// stage's thread takes part, so a busy stage does not look like a slow link. Repeat delivery is safe.
/// </summary>
/// <param name="SentAt">The sender's clock.</param>
[MessagePackObject]
public sealed record LinkProbe([property: Key(0)] long SentAt) : IWireMessage, IControlMessage;

/// <summary>Answers <see cref="LinkProbe"/>. Mailbox to mailbox; the later of two counts.</summary>
/// <param name="SentAt">As it came.</param>
[MessagePackObject]
public sealed record LinkEcho([property: Key(0)] long SentAt) : IWireMessage, IControlMessage;
