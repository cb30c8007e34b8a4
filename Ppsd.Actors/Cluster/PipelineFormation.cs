using Akka.Actor;
using Ppsd.Actors.Ids;
using Ppsd.Actors.Messages;
using Ppsd.Actors.Planning;

namespace Ppsd.Actors.Cluster;

/// <summary>
/// A pipeline on its way: which node gets which layers, which have loaded, and what came of it. Pure; one owner.
/// </summary>
internal sealed class PipelineFormation
{
    private AssignStage[] _assignments = [];
    private StageReady?[] _ready = [];

    /// <summary>Hosts of the stages, in order; empty when there is no pipeline, not even one on its way.</summary>
    public IReadOnlyList<IActorRef> Hosts { get; private set; } = [];

    /// <summary>The pipeline; null until it stands.</summary>
    public PipelineFormed? Formed { get; private set; }

    /// <summary>True when nodes have been given layers, or a pipeline stands.</summary>
    public bool HasBegun => Hosts.Count > 0;

    /// <summary>How many stages have loaded, in words.</summary>
    public string Progress => $"{_ready.Count(stage => stage is not null)} of {_ready.Length} ready";

    /// <summary>Gives each host its layers.</summary>
    public void Begin(StagePlan plan, IReadOnlyList<IActorRef> hosts)
    {
        Hosts = hosts;
        Formed = null;
        _ready = new StageReady?[hosts.Count];
        _assignments =
        [
            .. plan.Stages.Select((layers, i) => new AssignStage(new StageIndex(i), layers.First, layers.Count)),
        ];
    }

    /// <summary>What a host is to load.</summary>
    public AssignStage AssignmentOf(IActorRef host) => _assignments[NumberOf(host) - 1];

    /// <summary>A stage has loaded. True when it was the last one that was missing.</summary>
    public bool Note(StageReady ready, IActorRef host)
    {
        if (!host.Equals(Hosts.ElementAtOrDefault(ready.Stage.Value)))
        {
            return false;
        }

        _ready[ready.Stage.Value] = ready;
        return Array.TrueForAll(_ready, stage => stage is not null);
    }

    /// <summary>All stages have loaded: the pipeline stands.</summary>
    /// <param name="epoch">Later than any that its nodes know.</param>
    /// <param name="modelFingerprint">Of the model.</param>
    /// <param name="cause">Why an earlier pipeline ended; null when it is not known.</param>
    public PipelineFormed Complete(PipelineEpoch epoch, string modelFingerprint, string? cause) =>
        Formed = new PipelineFormed(epoch, [.. _ready.Select(stage => stage!.Member)], modelFingerprint, cause);

    /// <summary>Takes a pipeline that stands.</summary>
    /// <param name="hosts">Its stages' hosts, in order.</param>
    public void Adopt(PipelineFormed formed, IReadOnlyList<IActorRef> hosts)
    {
        Hosts = hosts;
        Formed = formed;
        _ready = [.. formed.Stages.Select((stage, i) => new StageReady(new StageIndex(i), stage))];
    }

    /// <summary>There is no pipeline any more.</summary>
    public void Clear()
    {
        Hosts = [];
        Formed = null;
    }

    /// <summary>True for a host of one of the stages.</summary>
    public bool Has(IActorRef host) => Hosts.Contains(host);

    /// <summary>A host's stage, counted from 1; 0 when it has none.</summary>
    public int NumberOf(IActorRef host) => Hosts.ToList().IndexOf(host) + 1;
}
