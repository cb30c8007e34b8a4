using Akka.Actor;
using Ppsd.Actors.Messages;
using Ppsd.Actors.Planning;

namespace Ppsd.Actors.Cluster;

/// <summary>A node that offers to hold a stage, as the coordinator knows it.</summary>
internal sealed class OfferingNode(IActorRef host, StageOffered offer)
{
    /// <summary>Its stage host.</summary>
    public IActorRef Host { get; } = host;

    /// <summary>Its latest offer.</summary>
    public StageOffered Offer { get; set; } = offer;
}

/// <summary>The nodes that offer stages, what they differ in, and which of them may be dead. Pure; one owner.</summary>
/// <param name="silence">How long a node may say nothing.</param>
internal sealed class OfferedNodes(TimeSpan silence, TimeProvider clock)
{
    private readonly List<OfferingNode> _nodes = [];
    private readonly HashSet<Address> _unreachable = [];
    private readonly NodeSuspicions<IActorRef> _suspicions = new(silence, clock);

    /// <summary>All, in the order they came.</summary>
    public IReadOnlyList<OfferingNode> All => _nodes;

    /// <summary>A node's offer, which is a sign of life.</summary>
    /// <param name="isNew">True for its first.</param>
    public OfferingNode Take(StageOffered offer, IActorRef host, out bool isNew)
    {
        _suspicions.NoteAlive(host);
        var node = Find(host);
        isNew = node is null;
        if (node is null)
        {
            node = new OfferingNode(host, offer);
            _nodes.Add(node);
        }

        node.Offer = offer;
        return node;
    }

    /// <summary>A node by its host; null when it has never offered itself, or is gone.</summary>
    public OfferingNode? Find(IActorRef host) => _nodes.Find(known => known.Host.Equals(host));

    /// <summary>A node is gone.</summary>
    public void Forget(IActorRef host)
    {
        _nodes.RemoveAll(node => node.Host.Equals(host));
        _suspicions.Forget(host);
    }

    /// <summary>The connection to an address broke.</summary>
    public void NoteBroken(Address address)
    {
        foreach (var node in _nodes.Where(node => node.Host.Path.Address == address))
        {
            _suspicions.NoteBroken(node.Host);
        }
    }

    /// <summary>Some member does not reach an address any more.</summary>
    public void NoteUnreachable(Address address) => _unreachable.Add(address);

    /// <summary>All members reach it again, or it is none any more.</summary>
    public void NoteReachable(Address address) => _unreachable.Remove(address);

    /// <summary>See <see cref="NodeSuspicions{TNode}.Look"/>.</summary>
    public void Look() => _suspicions.Look();

    /// <summary>Why a node may be dead, a phrase that goes on "the node"; null when it is not suspected.</summary>
    public string? SuspicionOf(IActorRef host) =>
        _suspicions.Of(host)
        ?? (_unreachable.Contains(host.Path.Address) ? "is not reached by all members of the cluster" : null);

    /// <summary>True when a node may hold a stage beside others like the reference.</summary>
    public bool IsUsable(OfferingNode node, StageOffered reference) =>
        !node.Offer.IsDraining
        && OfferAgreement.Difference(reference, node.Offer) is null
        && SuspicionOf(node.Host) is null;

    /// <summary>What nodes are measured by: the pipeline's own if there is one, else what most agree in.</summary>
    /// <param name="assigned">Hosts of the pipeline; empty when there is none.</param>
    public StageOffered? Reference(IReadOnlyList<IActorRef> assigned) =>
        OfferAgreement.Reference([.. _nodes.Where(node => assigned.Contains(node.Host)).Select(node => node.Offer)])
        ?? OfferAgreement.Reference([.. _nodes.Select(node => node.Offer)]);

    /// <summary>Those that may hold a stage beside others like the reference, in the order they came.</summary>
    public IReadOnlyList<OfferedNode<IActorRef>> Usable(StageOffered reference) =>
        [
            .. _nodes
                .Where(node => IsUsable(node, reference))
                .Select(node => new OfferedNode<IActorRef>(
                    node.Host,
                    node.Offer.WantedStage,
                    LoadedLayers(node.Offer),
                    node.Offer.IsSpare,
                    node.Offer.MostLayers
                )),
        ];

    /// <summary>Hosts of a pipeline's stages, in order; null unless all have said that they hold it.</summary>
    public IReadOnlyList<IActorRef>? HostsOf(PipelineFormed formed)
    {
        var holders = HoldersOf(formed);
        return holders.TrueForAll(node => node is not null && Holds(node, formed))
            ? [.. holders.Select(node => node!.Host)]
            : null;
    }

    /// <summary>False when a pipeline cannot stand: a node of it has left, or was started again and offers itself anew.</summary>
    /// <param name="isMember">True for the address of a member of the cluster.</param>
    public bool MayHold(PipelineFormed formed, Func<Address, bool> isMember) =>
        formed.Stages.All(stage => isMember(stage.Actor.Path.Address))
        && HoldersOf(formed).TrueForAll(node => node is null || Holds(node, formed));

    /// <summary>How many nodes a pipeline lacks, and why those that are up do not do.</summary>
    public string Missing(int stagesNeeded)
    {
        var reference = Reference([]);
        var others = reference is null ? 0 : _nodes.Count(node => !IsUsable(node, reference));
        var misfits = _nodes
            .Select(node => (node.Host.Path.Address, Difference: OfferAgreement.Difference(reference!, node.Offer)))
            .Where(node => node.Difference is not null)
            .Select(node => $"; the one at {node.Address} has {node.Difference}");
        return $"{_nodes.Count} of {stagesNeeded} stage nodes are up"
            + (others > 0 ? $", {others} of them leaving, unreachable or unlike the others" : "")
            + string.Concat(misfits)
            + $": start {Math.Max(1, stagesNeeded - _nodes.Count + others)} more with 'ppsd stage'";
    }

    /// <summary>The nodes of a pipeline's stages, in order; null for those that have sent no offer.</summary>
    private List<OfferingNode?> HoldersOf(PipelineFormed formed) =>
        [.. formed.Stages.Select(stage => _nodes.Find(node => IsParent(node.Host, stage.Actor)))];

    private static bool Holds(OfferingNode node, PipelineFormed formed) => node.Offer.Formed?.Epoch == formed.Epoch;

    private static bool IsParent(IActorRef host, IActorRef stage) =>
        stage.Path.Address == host.Path.Address && stage.Path.Parent.Name == host.Path.Name;

    private static LayerRange? LoadedLayers(StageOffered offer) =>
        offer.LoadedFirstLayer < 0 ? null : new LayerRange(offer.LoadedFirstLayer, offer.LoadedLayerCount);
}
