using MessagePack;
using Ppsd.Actors.Ids;

namespace Ppsd.Actors.Messages;

// Between stage hosts, the coordinator and clients: how a pipeline comes about on a cluster.

/// <summary>
/// This node can hold a stage. Stage host to coordinator; repeated until assigned. Repeat delivery is safe.
/// </summary>
[MessagePackObject]
public sealed record StageOffered : IWireMessage
{
    /// <summary>Fingerprint of the model the node can load.</summary>
    [Key(0)]
    public required string ModelFingerprint { get; init; }

    /// <summary>Layers of that model.</summary>
    [Key(1)]
    public required int LayerCount { get; init; }

    /// <summary>Stage the node asks for, from 0; -1 for any.</summary>
    [Key(2)]
    public int WantedStage { get; init; } = -1;

    /// <summary>First layer of what the node has loaded already; -1 for nothing.</summary>
    [Key(3)]
    public int LoadedFirstLayer { get; init; } = -1;

    /// <summary>Layers it has loaded.</summary>
    [Key(4)]
    public int LoadedLayerCount { get; init; }

    /// <summary>The pipeline its stage belongs to; a coordinator that moved takes it over.</summary>
    [Key(5)]
    public PipelineFormed? Formed { get; init; }

    /// <summary>Latest epoch the node has seen; the next one must be later.</summary>
    [Key(6)]
    public PipelineEpoch KnownEpoch { get; init; }

    /// <summary>True when the node will leave once its sessions have ended.</summary>
    [Key(7)]
    public bool IsDraining { get; init; }

    /// <summary>
    /// Settings that change what the node computes, as <c>name=value</c>; nodes of a pipeline agree in those that both have.
    /// </summary>
    [Key(8)]
    public string[] Arithmetic { get; init; } = [];

    /// <summary>True when the node is to hold a stage only where no other node can.</summary>
    [Key(9)]
    public bool IsSpare { get; init; }

    /// <summary>True when a draining node does not wait for its sessions: they go on with the next pipeline.</summary>
    [Key(10)]
    public bool HandsOver { get; init; }

    /// <summary>Layers that the node holds where others are missing; 0 for no more than planned.</summary>
    [Key(11)]
    public int MostLayers { get; init; }
}

/// <summary>
/// The node cannot be in a pipeline with the others. Coordinator to stage host, in answer to each such offer. Repeat delivery is
/// safe.
/// </summary>
/// <param name="Reason">What it differs in, in one line.</param>
[MessagePackObject]
public sealed record OfferRefused([property: Key(0)] string Reason) : IWireMessage;

/// <summary>
/// Load these layers. Coordinator to stage host, which answers with <see cref="StageReady"/> or
/// <see cref="StageFailed"/>. Repeat delivery is safe.
/// </summary>
/// <param name="Stage">The stage's place.</param>
[MessagePackObject]
public sealed record AssignStage(
    [property: Key(0)] StageIndex Stage,
    [property: Key(1)] int FirstLayer,
    [property: Key(2)] int LayerCount
) : IWireMessage;

/// <summary>Asks how the pipeline stands. Anyone to coordinator; answered by <see cref="PipelineState"/>.</summary>
[MessagePackObject]
public sealed record GetPipeline : IWireMessage;

/// <summary>State of the pipeline. Coordinator to the sender of the question.</summary>
[MessagePackObject]
public sealed record PipelineState : IWireMessage
{
    /// <summary>The formation; null while there is none.</summary>
    [Key(0)]
    public PipelineFormed? Formed { get; init; }

    /// <summary>In words: formed, or what is missing.</summary>
    [Key(1)]
    public required string Explanation { get; init; }

    /// <summary>Stages the pipeline needs.</summary>
    [Key(2)]
    public required int StagesNeeded { get; init; }

    /// <summary>Nodes that offer to hold one.</summary>
    [Key(3)]
    public required int NodesOffered { get; init; }

    /// <summary>Address of the node that hosts the coordinator.</summary>
    [Key(4)]
    public required string CoordinatorAddress { get; init; }

    /// <summary>False when there is no pipeline or one of its nodes is leaving; requests then wait.</summary>
    [Key(5)]
    public required bool IsAdmitting { get; init; }
}
