using Ppsd.Actors.Client;
using Ppsd.Actors.Messages;
using Ppsd.Actors.Planning;
using Ppsd.Actors.Stages;
using Ppsd.Actors.Text;

namespace Ppsd.Actors.Cluster;

/// <summary>What a stage node offers to the cluster.</summary>
public sealed record StageNode
{
    /// <summary>Fingerprint of the model it can load.</summary>
    public required string ModelFingerprint { get; init; }

    /// <summary>Layers of that model.</summary>
    public required int LayerCount { get; init; }

    /// <summary>Settings that change what it computes, as <c>name=value</c>; see <see cref="StageOffered.Arithmetic"/>.</summary>
    public IReadOnlyList<string> Arithmetic { get; init; } = [];

    /// <summary>Loads some of the model's layers; called on the stage's own thread.</summary>
    public required Func<LayerRange, IStageRuntime> CreateRuntime { get; init; }

    /// <summary>Stage the node asks for, from 0; -1 for any.</summary>
    public int WantedStage { get; init; } = -1;

    /// <summary>True when the node is to hold a stage only where no other node can.</summary>
    public bool IsSpare { get; init; }

    /// <summary>Layers that the node holds where others are missing; 0 for no more than planned.</summary>
    public int MostLayers { get; init; }

    /// <summary>True when the node does not wait for its sessions when it leaves: they go on with the next pipeline.</summary>
    public bool HandsOver { get; init; }

    /// <summary>The model as a text gateway serves it, given how to start generations; null for a node that serves none.</summary>
    public Func<PpsdClient, ITextModel>? CreateTextModel { get; init; }

    /// <summary>Told when the stage has loaded; called on an actor's thread.</summary>
    public Action<StageReady>? OnReady { get; init; }

    /// <summary>Told that somebody asked the node to leave; called on an actor's thread.</summary>
    public Action? OnDrainRequested { get; init; }

    /// <summary>Told why the node cannot be in a pipeline with the others, whenever that changes; called on an actor's thread.</summary>
    public Action<string>? OnRefused { get; init; }

    /// <summary>Told why the stage could not be loaded, or that it broke; called on an actor's thread.</summary>
    public Action<string>? OnFailed { get; init; }
}
