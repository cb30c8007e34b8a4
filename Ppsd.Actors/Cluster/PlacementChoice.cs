using Akka.Actor;
using Ppsd.Actors.Messages;

namespace Ppsd.Actors.Cluster;

/// <summary>
/// Which nodes are to hold which layers: those of the plan where every stage has a node; where that has not been so for a while,
/// fewer stages on nodes that would hold more. Pure; one owner.
/// </summary>
/// <param name="patience">How long nodes may be missing.</param>
internal sealed class PlacementChoice(ClusterPlan plan, OfferedNodes nodes, ShrinkPatience patience, TimeProvider clock)
{
    private long? _lackingSince;

    /// <summary>Why there can be no pipeline for these nodes at all, in one line; null where there can.</summary>
    public string? Trouble { get; private set; }

    /// <summary>Nodes for a pipeline; null while there are too few.</summary>
    /// <param name="assigned">Hosts of the pipeline there is, by which nodes are measured.</param>
    public Placement<IActorRef>? Choose(IReadOnlyList<IActorRef> assigned)
    {
        if (Whole(assigned) is { } whole)
        {
            _lackingSince = null;
            return whole;
        }

        // A cluster that has just been started waits longer: its nodes are on their way.
        _lackingSince ??= clock.GetTimestamp();
        var hasStood = nodes.All.Any(node => node.Offer.KnownEpoch.Value > 0);
        return clock.GetElapsedTime(_lackingSince.Value) >= (hasStood ? patience.Restart : patience.Start)
            ? Shrunk(assigned)
            : null;
    }

    /// <summary>A pipeline stands, and nobody doubts its nodes.</summary>
    public void NoteStanding() => _lackingSince = null;

    /// <summary>Nodes for a pipeline of more stages than the one that stands; null where there are none.</summary>
    /// <param name="formed">The pipeline, of fewer stages than planned.</param>
    /// <param name="assigned">Its hosts.</param>
    public Placement<IActorRef>? Larger(PipelineFormed formed, IReadOnlyList<IActorRef> assigned) =>
        formed.Stages.Length >= plan.StagesNeeded ? null
        : (Whole(assigned) ?? Shrunk(assigned)) is { } found && found.Nodes.Count > formed.Stages.Length ? found
        : null;

    private Placement<IActorRef>? Whole(IReadOnlyList<IActorRef> assigned)
    {
        if (nodes.Reference(assigned) is not { } model)
        {
            return null;
        }

        try
        {
            var stages = plan.For(model.LayerCount);
            Trouble = null;
            return StagePlacement.Place(stages, nodes.Usable(model)) is { } placed
                ? new Placement<IActorRef>(stages, placed)
                : null;
        }
        catch (ArgumentException e)
        {
            Trouble = e.Message;
            return null;
        }
    }

    private Placement<IActorRef>? Shrunk(IReadOnlyList<IActorRef> assigned) =>
        nodes.Reference(assigned) is { } model
            ? ShrunkPlacement.Place(model.LayerCount, plan.StagesNeeded, nodes.Usable(model))
            : null;
}

/// <summary>How long nodes may be missing before a pipeline forms without them.</summary>
/// <param name="Restart">Where one has stood before.</param>
/// <param name="Start">Where none has: nodes are being started.</param>
internal readonly record struct ShrinkPatience(TimeSpan Restart, TimeSpan Start);
