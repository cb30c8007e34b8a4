using Akka.Actor;
using Akka.Event;
using Ppsd.Actors.Ids;
using Ppsd.Actors.Messages;
using Ppsd.Actors.Messages.Wire;
using Ppsd.Actors.Options;
using Ppsd.Actors.Planning;
using Ppsd.Actors.Stages;

namespace Ppsd.Actors.Cluster;

/// <summary>
/// A node's side of placement, at <c>/user/stage-host</c>: offers the node to the coordinator, loads the stage it is
/// assigned and is the stage's parent. Repeats its offer, so that a coordinator that moved learns what it needs.
/// </summary>
internal sealed class StageHostActor : ReceiveActor, IWithTimers
{
    /// <summary>Time between offers.</summary>
    public static readonly TimeSpan OfferInterval = TimeSpan.FromMilliseconds(500);

    private readonly StageNode _node;
    private readonly IActorRef _coordinator;
    private readonly PipelineOptions _options;
    private readonly TimeProvider _clock;
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private AssignStage? _assigned;
    private IActorRef? _stage;
    private StageReady? _ready;
    private PipelineFormed? _formed;
    private PipelineEpoch _knownEpoch;
    private int _loads;
    private IActorRef? _drainer;
    private string? _refusal;

    public StageHostActor(StageNode node, IActorRef coordinator, PipelineOptions options, TimeProvider clock)
    {
        _node = node;
        _coordinator = coordinator;
        _options = options;
        _clock = clock;

        ReceiveFromMembers<AssignStage>(Load);
        Receive<StageReady>(Loaded);
        Receive<StageFailed>(Failed);
        ReceiveFromMembers<PipelineFormed>(PassOn);
        Receive<Terminated>(_ => StageStopped());
        Receive<Offer>(_ => MakeOffer());
        Receive<Drain>(_ => StartDraining());
        ReceiveFromMembers<OfferRefused>(Refused);
        ReceiveFromMembers<NodeReleased>(_ => _drainer?.Tell(Drained.Instance));
        ReceiveFromMembers<DrainNode>(_ =>
        {
            Sender.Tell(new NodeDraining(_formed is not null));
            _node.OnDrainRequested?.Invoke();
        });
    }

    public ITimerScheduler Timers { get; set; } = null!;

    protected override void PreStart()
    {
        Self.Tell(Offer.Instance);
        Timers.StartPeriodicTimer(Offer.Instance, Offer.Instance, OfferInterval);
    }

    /// <summary>A stage whose device failed cannot be trusted with its cache; the node decides whether to go on.</summary>
    protected override SupervisorStrategy SupervisorStrategy() => new OneForOneStrategy(_ => Directive.Stop);

    /// <summary>What moves a stage about comes from members of the cluster: any other system that reaches the port is refused.</summary>
    private void ReceiveFromMembers<T>(Action<T> handle)
    {
        Receive<T>(
            message =>
            {
                WireRefusals.Of(Context.System).Add();
                _log.Warning("{0} from {1}, which is not a member of the cluster, is refused", typeof(T).Name, Sender);
            },
            _ => !Membership.Has(Context.System, Sender)
        );
        Receive(handle);
    }

    private void Load(AssignStage assigned)
    {
        if (assigned == _assigned && _stage is not null)
        {
            if (_ready is not null)
            {
                _coordinator.Tell(_ready);
            }

            return;
        }

        if (_stage is not null)
        {
            Context.Unwatch(_stage);
            Context.Stop(_stage);
        }

        _log.Info(
            "loading layers {0} to {1} as stage {2}",
            assigned.FirstLayer,
            assigned.FirstLayer + assigned.LayerCount - 1,
            assigned.Stage.Number
        );
        _refusal = null;
        _assigned = assigned;
        _ready = null;
        _formed = null;
        var layers = new LayerRange(assigned.FirstLayer, assigned.LayerCount);
        var setup = new StageSetup(assigned.Stage, () => _node.CreateRuntime(layers), Self, _options, _clock);
        _stage = Context.ActorOf(setup.Props, $"stage-{assigned.Stage.Number}-{++_loads}");
        Context.Watch(_stage);
    }

    private void Loaded(StageReady ready)
    {
        if (!ready.Member.Actor.Equals(_stage))
        {
            return;
        }

        _ready = ready;
        _coordinator.Tell(ready);
        _node.OnReady?.Invoke(ready);
    }

    private void Failed(StageFailed failed)
    {
        _coordinator.Tell(failed);
        _node.OnFailed?.Invoke(failed.Reason);
    }

    private void PassOn(PipelineFormed formed)
    {
        _formed = formed;
        _knownEpoch = formed.Epoch;
        _stage?.Tell(formed);
    }

    private void Refused(OfferRefused refused)
    {
        if (refused.Reason != _refusal)
        {
            _refusal = refused.Reason;
            _node.OnRefused?.Invoke(refused.Reason);
        }
    }

    private void StageStopped()
    {
        var broke = _ready is not null;
        _stage = null;
        _ready = null;
        _formed = null;

        // One that never got ready has said why already.
        if (broke)
        {
            Failed(new StageFailed(_assigned!.Stage, "its device failed"));
        }
    }

    /// <summary>Offers go on, and say so: whichever node hosts the coordinator learns of it and answers.</summary>
    private void StartDraining()
    {
        _drainer = Sender;
        if (Membership.IsCutOff(Context.System) || _stage is null)
        {
            // No sessions depend on this node, or no coordinator is left to ask.
            _drainer.Tell(Drained.Instance);
        }

        MakeOffer();
    }

    private void MakeOffer() =>
        _coordinator.Tell(
            new StageOffered
            {
                ModelFingerprint = _node.ModelFingerprint,
                LayerCount = _node.LayerCount,
                WantedStage = _node.WantedStage,
                LoadedFirstLayer = _ready is null ? -1 : _assigned!.FirstLayer,
                LoadedLayerCount = _ready is null ? 0 : _assigned!.LayerCount,
                Formed = _formed,
                KnownEpoch = _knownEpoch,
                IsDraining = _drainer is not null,
                Arithmetic = [.. _node.Arithmetic],
                IsSpare = _node.IsSpare,
                HandsOver = _node.HandsOver,
                MostLayers = _node.MostLayers,
            }
        );

    /// <summary>Note to self: offer the node.</summary>
    private sealed class Offer
    {
        public static Offer Instance { get; } = new();
    }
}
