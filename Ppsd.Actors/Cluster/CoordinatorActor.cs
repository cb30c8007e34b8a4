using System.Diagnostics.CodeAnalysis;
using Akka.Actor;
using Akka.Cluster;
using Akka.Event;
using Ppsd.Actors.Ids;
using Ppsd.Actors.Messages;
using Ppsd.Actors.Planning;

namespace Ppsd.Actors.Cluster;

/// <summary>
/// The cluster's one coordinator (a singleton on role <c>coordinator</c>): takes stage nodes' offers, assigns layers,
/// forms the pipeline once all stages have loaded, forms it anew when one is lost, and passes requests to its first
/// stage. Keeps only state that a successor can rebuild from the nodes' repeated offers.
/// </summary>
internal sealed class CoordinatorActor : ReceiveActor, IWithTimers
{
    /// <summary>
    /// Time in which every node of a standing pipeline has sent its offer to a coordinator that moved.
    /// </summary>
    private static readonly TimeSpan _settleTime = 4 * StageHostActor.OfferInterval;

    private readonly ClusterPlan _plan;
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly List<Node> _nodes = [];
    private readonly HashSet<Address> _unreachable = [];
    private readonly WaitingRequests _waiting = new();
    private readonly TimeSpan _requestPatience = Context.System.Settings.Config.GetTimeSpan(
        "ppsd.cluster.request-patience"
    );
    private IReadOnlyList<IActorRef>? _assigned;
    private AssignStage[] _assignments = [];
    private StageReady?[] _ready = [];
    private PipelineFormed? _formed;
    private PipelineEpoch _dissolved;
    private PipelineEpoch _latest;
    private bool _isSettled;
    private string? _trouble;

    public CoordinatorActor(ClusterPlan plan)
    {
        _plan = plan;
        Receive<StageOffered>(offer => Take(offer, Sender), _ => Membership.Has(Context.System, Sender));
        Receive<StageReady>(ready => NoteReady(ready, Sender));
        Receive<StageFailed>(failed => NoteFailed(failed, Sender));
        Receive<Terminated>(lost => Lose(lost.ActorRef));
        Receive<ClusterEvent.UnreachableMember>(unreachable => _unreachable.Add(unreachable.Member.Address));
        Receive<ClusterEvent.ReachableMember>(reachable =>
        {
            _unreachable.Remove(reachable.Member.Address);
            FormIfNeeded();
        });
        Receive<ClusterEvent.MemberRemoved>(removed => _unreachable.Remove(removed.Member.Address));
        Receive<StartSession>(PassOn);
        Receive<Settled>(_ =>
        {
            _isSettled = true;
            FormIfNeeded();
        });
        Receive<DraftLoad>(ReleaseIfIdle);
        Receive<Nothing>(_ => { });
        Receive<OutOfPatience>(late => Refuse(late.Client));
        Receive<GetPipeline>(_ => Sender.Tell(State()));
    }

    public ITimerScheduler Timers { get; set; } = null!;

    private bool IsAdmitting => _formed is not null && !_nodes.Exists(node => IsDraining(node) && IsAssigned(node));

    protected override void PreStart()
    {
        Timers.StartSingleTimer(Settled.Instance, Settled.Instance, _settleTime);
        Akka.Cluster.Cluster.Get(Context.System)
            .Subscribe(
                Self,
                ClusterEvent.SubscriptionInitialStateMode.InitialStateAsEvents,
                typeof(ClusterEvent.IReachabilityEvent),
                typeof(ClusterEvent.MemberRemoved)
            );
    }

    protected override void PostStop() => Akka.Cluster.Cluster.Get(Context.System).Unsubscribe(Self);

    private void Take(StageOffered offer, IActorRef host)
    {
        var node = _nodes.Find(known => known.Host.Equals(host));
        if (node is null)
        {
            node = new Node(host);
            _nodes.Add(node);
            Context.Watch(host);
        }

        node.Offer = offer;
        TakeOver(offer.Formed);
        Remind(node, offer);
        if (offer.IsDraining)
        {
            LetGo(node);
        }

        FormIfNeeded();
        if (DifferenceOf(node, Reference()) is { } difference)
        {
            host.Tell(new OfferRefused($"this node has {difference}"));
        }
    }

    /// <summary>Repeats what the node may not have received; a repeat is harmless.</summary>
    private void Remind(Node node, StageOffered offer)
    {
        if (!IsAssigned(node))
        {
            return;
        }

        if (_formed is null)
        {
            node.Host.Tell(_assignments[StageNumber(node.Host) - 1]);
        }
        else if (offer.Formed?.Epoch != _formed.Epoch)
        {
            node.Host.Tell(_formed);
        }
    }

    /// <summary>
    /// Lets a node leave: at once if no pipeline needs it, otherwise when the last session has ended.
    /// </summary>
    private void LetGo(Node node)
    {
        if (_formed is not null && IsAssigned(node))
        {
            var epoch = _formed.Epoch;
            _formed
                .Stages[0]
                .Actor.Ask<StageStatus>(new GetStageStatus(), StageHostActor.OfferInterval)
                .PipeTo(Self, success: status => new DraftLoad(epoch, status.Sessions), failure: _ => Nothing.Instance);
            return;
        }

        node.Host.Tell(new NodeReleased());
        if (IsAssigned(node))
        {
            // It is loading a stage that will not be used.
            Dissolve();
        }
    }

    private void ReleaseIfIdle(DraftLoad load)
    {
        if (_formed is null || _formed.Epoch != load.Epoch || load.Sessions is not { Running: 0, Waiting: 0 })
        {
            return;
        }

        foreach (var node in _nodes.Where(IsDraining))
        {
            node.Host.Tell(new NodeReleased());
        }

        _dissolved = load.Epoch;
        Dissolve();
        FormIfNeeded();
    }

    private void Dissolve()
    {
        _assigned = null;
        _formed = null;
    }

    /// <summary>Keeps a predecessor's pipeline that still stands, so that its sessions continue.</summary>
    private void TakeOver(PipelineFormed? formed)
    {
        if (_formed is not null || _assigned is not null || !IsNews(formed))
        {
            return;
        }

        var members = formed.Stages.Select(stage => _nodes.Find(node => IsParent(node.Host, stage.Actor))).ToList();
        if (members.TrueForAll(node => node?.Offer?.Formed?.Epoch == formed.Epoch))
        {
            _assigned = [.. members.Select(node => node!.Host)];
            _ready = [.. formed.Stages.Select((stage, i) => new StageReady(new StageIndex(i), stage))];
            _formed = formed;
            PassOnWaiting();
        }
    }

    private void FormIfNeeded()
    {
        if (_assigned is not null || (!_isSettled && _nodes.Exists(node => IsNews(node.Offer?.Formed))))
        {
            // A pipeline may already stand whose nodes have not all sent offers yet; forming another would end its
            // sessions.
            return;
        }

        if (Reference() is not { } model)
        {
            return;
        }

        StagePlan plan;
        try
        {
            plan = _plan.For(model.LayerCount);
        }
        catch (ArgumentException e)
        {
            _trouble = e.Message;
            return;
        }

        var offers = _nodes
            .Where(node => IsUsable(node, model))
            .Select(node => new OfferedNode<IActorRef>(node.Host, node.Offer!.WantedStage, LoadedLayers(node.Offer)))
            .ToList();
        if (StagePlacement.Place(plan, offers) is not { } placed)
        {
            return;
        }

        _assigned = placed;
        _ready = new StageReady?[placed.Count];
        _assignments =
        [
            .. plan.Stages.Select((layers, i) => new AssignStage(new StageIndex(i), layers.First, layers.Count)),
        ];
        for (var i = 0; i < placed.Count; i++)
        {
            placed[i].Tell(_assignments[i]);
        }
    }

    private void NoteReady(StageReady ready, IActorRef host)
    {
        if (_assigned is null || _formed is not null || !host.Equals(_assigned.ElementAtOrDefault(ready.Stage.Value)))
        {
            return;
        }

        _ready[ready.Stage.Value] = ready;
        if (Array.Exists(_ready, stage => stage is null))
        {
            return;
        }

        // Nodes report the latest epoch they know with each offer; the new epoch must exceed all of them.
        _latest = new PipelineEpoch(1 + Math.Max(_latest.Value, _nodes.Max(node => node.Offer?.KnownEpoch.Value ?? 0)));
        var fingerprint = _nodes.Find(node => node.Host.Equals(host))!.Offer!.ModelFingerprint;
        _formed = new PipelineFormed(_latest, [.. _ready.Select(stage => stage!.Member)], fingerprint, _trouble);
        _trouble = null;
        for (var i = 0; i < _assigned.Count; i++)
        {
            // The host keeps it for later coordinators; the stage must receive it before the first request.
            _assigned[i].Tell(_formed);
            _formed.Stages[i].Actor.Tell(_formed);
        }

        PassOnWaiting();
    }

    private void NoteFailed(StageFailed failed, IActorRef host)
    {
        _trouble = $"stage {failed.Stage.Number} at {host.Path.Address} failed: {failed.Reason}";
        _log.Warning("{0}", _trouble);
        Forget(host);
    }

    private void Lose(IActorRef host)
    {
        if (_assigned?.Contains(host) == true)
        {
            _trouble = $"stage {StageNumber(host)} at {host.Path.Address} was lost";
            _log.Warning("{0}", _trouble);
        }

        Forget(host);
    }

    private void Forget(IActorRef host)
    {
        Context.Unwatch(host);
        _nodes.RemoveAll(node => node.Host.Equals(host));
        if (_assigned?.Contains(host) == true)
        {
            Dissolve();
            FormIfNeeded();
        }
    }

    private void PassOn(StartSession start)
    {
        if (IsAdmitting)
        {
            _formed!.Stages[0].Actor.Forward(start);
        }
        else if (!_waiting.TryAdd(start, Sender, out var isNew))
        {
            Sender.Tell(new SessionRefused(RefusalKind.Unavailable, Explanation()));
        }
        else if (isNew)
        {
            Timers.StartSingleTimer(Sender, new OutOfPatience(Sender), _requestPatience);
        }
    }

    private void PassOnWaiting()
    {
        foreach (var (request, client) in _waiting.TakeAll())
        {
            Timers.Cancel(client);
            _formed!.Stages[0].Actor.Tell(request, client);
        }
    }

    private void Refuse(IActorRef client)
    {
        if (_waiting.Remove(client))
        {
            client.Tell(new SessionRefused(RefusalKind.Unavailable, Explanation()));
        }
    }

    private PipelineState State() =>
        new()
        {
            Formed = _formed,
            Explanation = Explanation(),
            StagesNeeded = _plan.StagesNeeded,
            NodesOffered = _nodes.Count(node => node.Offer is not null),
            IsAdmitting = IsAdmitting,
            CoordinatorAddress = Akka.Cluster.Cluster.Get(Context.System).SelfAddress.ToString(),
        };

    private string Explanation()
    {
        if (_nodes.Find(node => _formed is not null && IsDraining(node) && IsAssigned(node)) is { } leaving)
        {
            return $"stage {StageNumber(leaving.Host)} at {leaving.Host.Path.Address} is leaving; new requests wait until its "
                + "sessions have ended and another node takes its place";
        }

        if (_formed is not null)
        {
            return $"the pipeline stands: {_formed.Stages.Length} stages";
        }

        var prefix = _trouble is null ? "" : _trouble + "; ";
        var offered = _nodes.Count(node => node.Offer is not null);
        if (_assigned is not null)
        {
            return $"{prefix}stages are loading: {_ready.Count(stage => stage is not null)} of {_ready.Length} ready";
        }

        var reference = Reference();
        var others = reference is null ? 0 : _nodes.Count(node => !IsUsable(node, reference));
        var misfits = _nodes
            .Select(node => (node.Host.Path.Address, Difference: DifferenceOf(node, reference)))
            .Where(node => node.Difference is not null)
            .Select(node => $"; the one at {node.Address} has {node.Difference}");
        return $"{prefix}{offered} of {_plan.StagesNeeded} stage nodes are up"
            + (others > 0 ? $", {others} of them leaving, unreachable or unlike the others" : "")
            + string.Concat(misfits)
            + $": start {Math.Max(1, _plan.StagesNeeded - offered + others)} more with 'ppsd stage'";
    }

    private bool IsUsable(Node node, StageOffered model) =>
        node.Offer is { IsDraining: false } offer
        && OfferAgreement.Difference(model, offer) is null
        && !_unreachable.Contains(node.Host.Path.Address);

    /// <summary>What nodes are measured by: the pipeline's own if there is one, else what most agree in.</summary>
    private StageOffered? Reference() =>
        OfferAgreement.Reference([.. _nodes.Where(IsAssigned).Select(node => node.Offer).OfType<StageOffered>()])
        ?? OfferAgreement.Reference([.. _nodes.Select(node => node.Offer).OfType<StageOffered>()]);

    private static string? DifferenceOf(Node node, StageOffered? reference) =>
        reference is not null && node.Offer is { } offer ? OfferAgreement.Difference(reference, offer) : null;

    private bool IsAssigned(Node node) => _assigned?.Contains(node.Host) == true;

    private int StageNumber(IActorRef host) => _assigned!.ToList().IndexOf(host) + 1;

    /// <summary>False for a pipeline this coordinator dissolved; nodes may still mention it in late offers.</summary>
    private bool IsNews([NotNullWhen(true)] PipelineFormed? formed) =>
        formed is not null && formed.Epoch.Value > _dissolved.Value;

    private static bool IsDraining(Node node) => node.Offer is { IsDraining: true };

    private static LayerRange? LoadedLayers(StageOffered offer) =>
        offer.LoadedFirstLayer < 0 ? null : new LayerRange(offer.LoadedFirstLayer, offer.LoadedLayerCount);

    private static bool IsParent(IActorRef host, IActorRef stage) =>
        stage.Path.Address == host.Path.Address && stage.Path.Parent.Name == host.Path.Name;

    /// <summary>Sent to itself: every node that is up has had time to send an offer.</summary>
    private sealed class Settled
    {
        public static Settled Instance { get; } = new();
    }

    /// <summary>Sent to itself: number of sessions the pipeline still has.</summary>
    private sealed record DraftLoad(PipelineEpoch Epoch, SessionTotals? Sessions);

    /// <summary>Sent to itself: a question was not answered; the next offer repeats it.</summary>
    private sealed class Nothing
    {
        public static Nothing Instance { get; } = new();
    }

    /// <summary>Sent to itself: a request has waited as long as it may.</summary>
    private sealed record OutOfPatience(IActorRef Client);

    private sealed class Node(IActorRef host)
    {
        public IActorRef Host { get; } = host;

        public StageOffered? Offer { get; set; }
    }
}
