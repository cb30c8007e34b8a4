using Akka.Actor;
using Akka.Cluster;
using Akka.Event;
using Ppsd.Actors.Remoting;

namespace Ppsd.Actors.Cluster.Partitions;

/// <summary>
/// The parent of Akka's split brain resolver. While members cannot reach each other but gossip still arrives, it stops the resolver and
/// downs the members that <see cref="PartitionVote"/> names. Only the leader acts, as with the resolver.
/// </summary>
/// <remarks>A member that is the only one not reached and whose port refuses connections is downed without the resolver's wait.</remarks>
internal sealed class OneWayDowningActor : ReceiveActor, IWithTimers
{
    private static readonly TimeSpan _lookInterval = TimeSpan.FromMilliseconds(250);

    private readonly Akka.Cluster.Cluster _cluster;
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly Func<Props> _createResolver;
    private readonly string _role;
    private readonly PartitionWatch<UniqueAddress> _watch;
    private IReadOnlyList<BrokenPair<UniqueAddress>> _broken = [];
    private IReadOnlyCollection<Address> _seenBy = [];
    private IActorRef? _resolver;
    private bool _isAsking;

    /// <param name="createResolver">Creates a new instance of Akka's resolver.</param>
    /// <param name="role">Role of the members that count; empty for all.</param>
    /// <param name="createWatch">Creates the watch.</param>
    public OneWayDowningActor(
        Akka.Cluster.Cluster cluster,
        Func<Props> createResolver,
        string role,
        Func<PartitionWatch<UniqueAddress>> createWatch
    )
    {
        _cluster = cluster;
        _createResolver = createResolver;
        _role = role;
        _watch = createWatch();

        Receive<Look>(_ => Review());
        Receive<ClusterEvent.IMemberEvent>(_ => Review());
        Receive<PortAsked>(asked =>
        {
            _isAsking = false;
            if (asked.IsRefused && IsLeader && _watch.VerdictOnDead(asked.Member) is { Count: > 0 } dead)
            {
                Act(dead, $"nothing listens at {asked.Member.Address} any more");
            }
        });
        Receive(
            GossipEvents.SeenChanged,
            changed =>
            {
                _seenBy = GossipEvents.SeenBy(changed);
                Review();
            }
        );
        Receive(
            GossipEvents.ReachabilityChanged,
            changed =>
            {
                _broken = GossipEvents.BrokenPairs(changed);
                Review();
            }
        );
    }

    public ITimerScheduler Timers { get; set; } = null!;

    private bool IsMember =>
        _cluster.SelfMember.Status is MemberStatus.Up or MemberStatus.WeaklyUp or MemberStatus.Leaving;

    private bool IsLeader => IsMember && _cluster.State.Leader == _cluster.SelfAddress;

    protected override void PreStart()
    {
        _resolver = Context.ActorOf(_createResolver());
        _cluster.Subscribe(
            Self,
            ClusterEvent.SubscriptionInitialStateMode.InitialStateAsEvents,
            GossipEvents.SeenChanged,
            GossipEvents.ReachabilityChanged,
            typeof(ClusterEvent.IMemberEvent)
        );
    }

    protected override void PostStop() => _cluster.Unsubscribe(Self);

    private void Review()
    {
        LookWhileNeeded();
        var state = _cluster.State;
        var byAddress = state.Members.ToDictionary(member => member.Address, member => member.UniqueAddress);
        _watch.Note(
            [
                .. state
                    .Members.Where(member => member.Status is not (MemberStatus.Down or MemberStatus.Exiting))
                    .Order(Comparer<Member>.Create(CompareAges))
                    .Select(member => new VotedMember<UniqueAddress>(member.UniqueAddress, Counts(member))),
            ],
            // In a cluster so large that some members do not watch each other, broken pairs are incomplete: Akka's resolver decides.
            state.Members.Count
            <= _cluster.Settings.MonitoredByNrOfMembers + 1
                ? _broken
                : [],
            _seenBy.Append(_cluster.SelfAddress).Where(byAddress.ContainsKey).Select(address => byAddress[address])
        );
        SetResolver();
        if (IsLeader)
        {
            if (_watch.Verdict() is { Count: > 0 } leavers)
            {
                var pairs = _broken.Select(pair => $"{pair.Observer.Address} not {pair.Subject.Address}");
                Act(leavers, $"members do not reach each other ({string.Join(", ", pairs)})");
            }

            AskPort();
        }
    }

    private void AskPort()
    {
        if (!_isAsking && _watch.TryFindLost(out var lost))
        {
            _isAsking = true;
            AskAsync(lost).PipeTo(Self);
        }

        static async Task<PortAsked> AskAsync(UniqueAddress member) =>
            new(member, await PeerPort.RefusesAsync(member.Address, _lookInterval).ConfigureAwait(false));
    }

    private bool Counts(Member member) =>
        member.Status is MemberStatus.Up or MemberStatus.Leaving && (_role.Length == 0 || member.HasRole(_role));

    private static int CompareAges(Member one, Member other) =>
        one.IsOlderThan(other) ? -1
        : other.IsOlderThan(one) ? 1
        : 0;

    private void LookWhileNeeded()
    {
        if (_broken.Count == 0)
        {
            Timers.Cancel(Look.Instance);
        }
        else if (!Timers.IsTimerActive(Look.Instance))
        {
            Timers.StartPeriodicTimer(Look.Instance, Look.Instance, _lookInterval);
        }
    }

    /// <summary>A resolver that starts again reads the current state and waits its full time before it decides.</summary>
    private void SetResolver()
    {
        if (_watch.IsOneWay && _resolver is not null)
        {
            Context.Stop(_resolver);
            _resolver = null;
        }
        else if (!_watch.IsOneWay)
        {
            _resolver ??= Context.ActorOf(_createResolver());
        }
    }

    private void Act(IReadOnlySet<UniqueAddress> leavers, string cause)
    {
        _log.Warning(
            "{0}; the cluster goes on without {1}",
            cause,
            string.Join(", ", leavers.Select(leaver => leaver.Address))
        );

        // This node comes last, because downing it ends this actor.
        foreach (var leaver in leavers.OrderBy(leaver => leaver == _cluster.SelfUniqueAddress))
        {
            _cluster.Down(leaver.Address);
        }
    }

    private sealed record PortAsked(UniqueAddress Member, bool IsRefused);

    /// <summary>The timer's message.</summary>
    private sealed class Look
    {
        public static Look Instance { get; } = new();
    }
}
