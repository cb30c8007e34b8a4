using System.Diagnostics.CodeAnalysis;
using Akka.Actor;
using Akka.Cluster;
using Akka.Event;
using Akka.Remote;
using Ppsd.Actors.Ids;
using Ppsd.Actors.Messages;
using static Ppsd.Actors.Cluster.CoordinatorNotes;

namespace Ppsd.Actors.Cluster;

/// <summary>
/// The cluster's one coordinator (a singleton on role <c>coordinator</c>): takes stage nodes' offers, assigns layers,
/// forms the pipeline once all stages have loaded, forms it anew when one is lost, and passes requests to its first
/// stage. Keeps only state that a successor can rebuild from the nodes' repeated offers.
/// </summary>
/// <remarks>
/// It is in one of four states, each a method that says what it takes: <see cref="Gathering"/> while nodes are missing,
/// <see cref="Loading"/> while they load, <see cref="Standing"/>, and <see cref="Suspended"/> while a stage of the pipeline may be
/// dead. A suspected stage is nobody's verdict: where other nodes can take its place they do, at once, and otherwise a sign of
/// life of it ends the suspension as if nothing had been.
/// </remarks>
internal sealed class CoordinatorActor : ReceiveActor, IWithTimers
{
    /// <summary>
    /// Time in which every node of a standing pipeline has sent its offer to a coordinator that moved.
    /// </summary>
    private static readonly TimeSpan _settleTime = 4 * StageHostActor.OfferInterval;

    private static readonly TimeSpan _lookInterval = TimeSpan.FromMilliseconds(250);

    private readonly ClusterPlan _plan;
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly OfferedNodes _nodes;
    private readonly PlacementChoice _choice;
    private readonly WaitingRequests _waiting = new();
    private readonly TimeSpan _requestPatience;
    private readonly PipelineFormation _formation = new();
    private readonly PipelineWords _words;
    private PipelineEpoch _dissolved;
    private PipelineEpoch _latest;
    private bool _isSettled;
    private bool _isSuspended;
    private bool _isGrowing;
    private string? _trouble;

    public CoordinatorActor(ClusterPlan plan, TimeProvider clock)
    {
        _plan = plan;
        var settings = Context.System.Settings.Config.GetConfig("ppsd.cluster");
        _nodes = new OfferedNodes(settings.GetTimeSpan("silence"), clock);
        _requestPatience = settings.GetTimeSpan("request-patience");
        var patience = new ShrinkPatience(
            settings.GetTimeSpan("shrink-after"),
            settings.GetTimeSpan("shrink-at-start")
        );
        _choice = new PlacementChoice(plan, _nodes, patience, clock);
        _words = new PipelineWords(_formation, _nodes);
        Gathering();
    }

    public ITimerScheduler Timers { get; set; } = null!;

    private PipelineFormed? Formed => _formation.Formed;

    private bool IsAdmitting => Formed is not null && !_isSuspended && !_isGrowing && Leaving is null;

    /// <summary>A node of the pipeline that is to leave it.</summary>
    private OfferingNode? Leaving =>
        _nodes.All.FirstOrDefault(node => node.Offer.IsDraining && _formation.Has(node.Host));

    /// <summary>A pipeline of more stages that could take the place of the one that stands.</summary>
    private Placement<IActorRef>? Larger =>
        Formed is not null && !_isSuspended && Leaving is null ? _choice.Larger(Formed, _formation.Hosts) : null;

    /// <summary>A node of the pipeline that may be dead.</summary>
    private IActorRef? Suspect => _formation.Hosts.FirstOrDefault(host => _nodes.SuspicionOf(host) is not null);

    protected override void PreStart()
    {
        Timers.StartSingleTimer(Settled.Instance, Settled.Instance, _settleTime);
        Timers.StartPeriodicTimer(Look.Instance, Look.Instance, _lookInterval);
        Context.System.EventStream.Subscribe(Self, typeof(DisassociatedEvent));
        Akka.Cluster.Cluster.Get(Context.System)
            .Subscribe(
                Self,
                ClusterEvent.SubscriptionInitialStateMode.InitialStateAsEvents,
                typeof(ClusterEvent.IReachabilityEvent),
                typeof(ClusterEvent.MemberRemoved)
            );
    }

    protected override void PostStop()
    {
        Context.System.EventStream.Unsubscribe(Self);
        Akka.Cluster.Cluster.Get(Context.System).Unsubscribe(Self);
    }

    /// <summary>Nodes are missing.</summary>
    private void Gathering()
    {
        Receive<StartSession>(Wait);
        Always();
    }

    /// <summary>Every stage has a node, and some of them still load.</summary>
    private void Loading()
    {
        Receive<StageReady>(ready => NoteReady(ready, Sender));
        Receive<StartSession>(Wait);
        Always();
    }

    /// <summary>The pipeline stands.</summary>
    private void Standing()
    {
        Receive<StartSession>(start => Formed!.Stages[0].Actor.Forward(start), _ => IsAdmitting);
        Receive<StartSession>(Wait);
        Receive<DraftLoad>(NoteLoad);
        Always();
    }

    /// <summary>The pipeline stands, and one of its stages may be dead.</summary>
    private void Suspended()
    {
        Receive<StartSession>(Wait);
        Receive<DraftLoad>(NoteLoad);
        Always();
    }

    private void Always()
    {
        Receive<StageOffered>(offer => Take(offer, Sender), _ => Membership.Has(Context.System, Sender));
        Receive<StageFailed>(failed => NoteFailed(failed, Sender));
        Receive<Terminated>(lost => Lose(lost.ActorRef));
        Receive<DisassociatedEvent>(broken =>
        {
            _nodes.NoteBroken(broken.RemoteAddress);
            Review();
        });
        Receive<ClusterEvent.UnreachableMember>(unreachable =>
        {
            _nodes.NoteUnreachable(unreachable.Member.Address);
            Review();
        });
        Receive<ClusterEvent.ReachableMember>(reachable =>
        {
            _nodes.NoteReachable(reachable.Member.Address);
            Review();
        });
        Receive<ClusterEvent.MemberRemoved>(removed => _nodes.NoteReachable(removed.Member.Address));
        Receive<Look>(_ =>
        {
            _nodes.Look();
            Review();
            if (Larger is not null)
            {
                AskForLoad(Formed!);
            }
            else
            {
                StopGrowing();
            }
        });
        Receive<Settled>(_ =>
        {
            _isSettled = true;
            Review();
        });
        Receive<OutOfPatience>(late => Refuse(late.Client));
        Receive<GetPipeline>(_ => Sender.Tell(State()));

        // An answer that came too late, or not at all; the next offer asks again.
        Receive<DraftLoad>(_ => { });
        Receive<Nothing>(_ => { });
        Receive<StageReady>(_ => { });
    }

    private void Take(StageOffered offer, IActorRef host)
    {
        var node = _nodes.Take(offer, host, out var isNew);
        if (isNew)
        {
            Context.Watch(host);
        }

        TakeOver(offer.Formed);
        Remind(node, offer);
        if (offer.IsDraining)
        {
            LetGo(node);
        }

        Review();
        var reference = _nodes.Reference(_formation.Hosts);
        if (reference is not null && OfferAgreement.Difference(reference, offer) is { } difference)
        {
            host.Tell(new OfferRefused($"this node has {difference}"));
        }
    }

    /// <summary>Repeats what the node may not have received; a repeat is harmless.</summary>
    private void Remind(OfferingNode node, StageOffered offer)
    {
        if (!_formation.Has(node.Host))
        {
            return;
        }

        if (Formed is null)
        {
            node.Host.Tell(_formation.AssignmentOf(node.Host));
        }
        else if (offer.Formed?.Epoch != Formed.Epoch)
        {
            node.Host.Tell(Formed);
        }
    }

    /// <summary>
    /// Lets a node leave: at once if no pipeline needs it or its sessions are to go on elsewhere, otherwise when the last
    /// session has ended.
    /// </summary>
    private void LetGo(OfferingNode node)
    {
        if (Formed is not null && _formation.Has(node.Host) && !node.Offer.HandsOver)
        {
            AskForLoad(Formed);
            return;
        }

        node.Host.Tell(new NodeReleased());
        if (_formation.Has(node.Host))
        {
            // It is loading a stage that will not be used, or its sessions go on elsewhere.
            _trouble = Formed is null ? _trouble : $"{_words.Name(node.Host)} has left";
            Dissolve();
        }
    }

    private void AskForLoad(PipelineFormed formed)
    {
        var isLast = !IsAdmitting;
        formed
            .Stages[0]
            .Actor.Ask<StageStatus>(new GetStageStatus(), StageHostActor.OfferInterval)
            .PipeTo(
                Self,
                success: status => new DraftLoad(formed.Epoch, status.Sessions, isLast),
                failure: _ => Nothing.Instance
            );
    }

    /// <summary>Between requests nodes may leave, and a pipeline of few stages may grow.</summary>
    private void NoteLoad(DraftLoad load)
    {
        if (Formed?.Epoch != load.Epoch)
        {
            return;
        }

        var isIdle = load.Sessions is { Running: 0, Waiting: 0 };
        if (isIdle && Leaving is not null)
        {
            foreach (var node in _nodes.All.Where(node => node.Offer.IsDraining))
            {
                node.Host.Tell(new NodeReleased());
            }

            Dissolve();
            Review();
        }
        else if (isIdle && Larger is { } larger)
        {
            // Asked twice: a request may have been let in after the first question.
            if (_isGrowing && load.IsLast)
            {
                Dissolve();
                Assign(larger);
            }
            else
            {
                _isGrowing = true;
                AskForLoad(Formed);
            }
        }
        else
        {
            StopGrowing();
        }
    }

    private void StopGrowing()
    {
        if (_isGrowing)
        {
            _isGrowing = false;
            if (IsAdmitting)
            {
                PassOnWaiting();
            }
        }
    }

    private void Dissolve()
    {
        _dissolved = Formed?.Epoch ?? _dissolved;
        _formation.Clear();
        _isSuspended = false;
        _isGrowing = false;
        Become(Gathering);
    }

    /// <summary>Keeps a predecessor's pipeline that still stands, so that its sessions continue.</summary>
    private void TakeOver(PipelineFormed? formed)
    {
        if (_formation.HasBegun || !IsNews(formed))
        {
            return;
        }

        if (_nodes.HostsOf(formed) is { } hosts)
        {
            _formation.Adopt(formed, hosts);
            Become(Standing);
            PassOnWaiting();
        }
    }

    /// <summary>
    /// Looks at what the nodes have come to: forms a pipeline where there is none, has others take the place of stages that may
    /// be dead, and suspends the pipeline where nobody can.
    /// </summary>
    private void Review()
    {
        var suspect = Suspect;
        if (!_formation.HasBegun)
        {
            if ((_isSettled || !_nodes.All.Any(node => MayStand(node.Offer.Formed))) && Choose() is { } placed)
            {
                Assign(placed);
            }
        }
        else if (suspect is null)
        {
            _choice.NoteStanding();
            if (_isSuspended)
            {
                _isSuspended = false;
                Become(Standing);
                PassOnWaiting();
            }
        }
        else if (Choose() is { } others)
        {
            _trouble = _words.Describe(suspect);
            _log.Warning("{0}; a pipeline of {1} stages forms without it", _trouble, others.Nodes.Count);
            Dissolve();
            Assign(others);
        }
        else if (Formed is not null && !_isSuspended)
        {
            _log.Warning("{0}; the pipeline is suspended", _words.Describe(suspect));
            _isSuspended = true;
            Become(Suspended);
        }
    }

    private Placement<IActorRef>? Choose()
    {
        var chosen = _choice.Choose(_formation.Hosts);
        _trouble = _choice.Trouble ?? _trouble;
        return chosen;
    }

    private void Assign(Placement<IActorRef> placed)
    {
        _formation.Begin(placed.Plan, placed.Nodes);
        Become(Loading);
        foreach (var host in placed.Nodes)
        {
            host.Tell(_formation.AssignmentOf(host));
        }
    }

    private void NoteReady(StageReady ready, IActorRef host)
    {
        if (!_formation.Note(ready, host))
        {
            return;
        }

        // Nodes report the latest epoch they know with each offer; the new epoch must exceed all of them.
        _latest = new PipelineEpoch(1 + Math.Max(_latest.Value, _nodes.All.Max(node => node.Offer.KnownEpoch.Value)));
        var fingerprint = _nodes.Find(host)!.Offer.ModelFingerprint;
        var formed = _formation.Complete(_latest, fingerprint, _trouble);
        _trouble = null;
        Become(Standing);
        for (var i = 0; i < formed.Stages.Length; i++)
        {
            // The host keeps it for later coordinators; the stage must receive it before the first request.
            _formation.Hosts[i].Tell(formed);
            formed.Stages[i].Actor.Tell(formed);
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
        if (_formation.Has(host))
        {
            _trouble = $"{_words.Name(host)} was lost";
            _log.Warning("{0}", _trouble);
        }

        Forget(host);
    }

    private void Forget(IActorRef host)
    {
        Context.Unwatch(host);
        _nodes.Forget(host);
        if (_formation.Has(host))
        {
            Dissolve();
        }

        Review();
    }

    private void Wait(StartSession start)
    {
        if (!_waiting.TryAdd(start, Sender, out var isNew))
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
            Formed!.Stages[0].Actor.Tell(request, client);
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
            Formed = Formed,
            Explanation = Explanation(),
            StagesNeeded = _plan.StagesNeeded,
            NodesOffered = _nodes.All.Count,
            IsAdmitting = IsAdmitting,
            CoordinatorAddress = Akka.Cluster.Cluster.Get(Context.System).SelfAddress.ToString(),
        };

    private string Explanation() =>
        _words.Explain(_plan.StagesNeeded, _isSuspended ? Suspect : null, Leaving?.Host, _trouble);

    /// <summary>False for a pipeline this coordinator dissolved; nodes may still mention it in late offers.</summary>
    private bool IsNews([NotNullWhen(true)] PipelineFormed? formed) =>
        formed is not null && formed.Epoch.Value > _dissolved.Value;

    /// <summary>Where a pipeline's nodes have not all sent offers yet, forming another would end its sessions.</summary>
    private bool MayStand(PipelineFormed? formed) => IsNews(formed) && _nodes.MayHold(formed, IsMember);

    private static bool IsMember(Address address) =>
        address.HasLocalScope
        || Akka.Cluster.Cluster.Get(Context.System).State.Members.Any(member => member.Address == address);
}
