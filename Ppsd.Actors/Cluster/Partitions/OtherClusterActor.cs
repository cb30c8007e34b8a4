using Akka.Actor;
using Akka.Cluster;
using Akka.Event;

namespace Ppsd.Actors.Cluster.Partitions;

/// <summary>
/// Asks seeds that are not members of this node's cluster whether they are in another one, and makes the node leave when
/// <see cref="OtherCluster"/> decides so. <see cref="LastingMembership"/> then joins again and finds the seed.
/// </summary>
/// <remarks>
/// It sends the question of a newcomer that looks for a member to join. The answer comes from a node that is not a member, so
/// <see cref="Remoting.InboundMessages"/> allows it at this actor's path.
/// </remarks>
internal sealed class OtherClusterActor : ReceiveActor, IWithTimers
{
    /// <summary>The actor's name under <c>/system</c>.</summary>
    public const string Name = "other-cluster";

    private static readonly TimeSpan _lookInterval = TimeSpan.FromSeconds(1);

    private readonly Akka.Cluster.Cluster _cluster = Akka.Cluster.Cluster.Get(Context.System);
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly IReadOnlyList<Address> _seeds;
    private readonly string _role;
    private readonly TimeProvider _clock;
    private readonly Dictionary<Address, long> _heardSince = [];
    private readonly HashSet<Address> _silent = [];

    /// <param name="seeds">This node's seeds in order.</param>
    /// <param name="role">Role of the members that may host the coordinator.</param>
    public OtherClusterActor(IReadOnlyList<Address> seeds, string role, TimeProvider clock)
    {
        (_seeds, _role, _clock) = (seeds, role, clock);
        Receive<Look>(_ => Review());
        Receive(
            GossipEvents.InitJoinAck,
            _ =>
            {
                // An answer without a question is ignored: a stranger may send one.
                if (_silent.Remove(Sender.Path.Address))
                {
                    _heardSince.TryAdd(Sender.Path.Address, _clock.GetTimestamp());
                }
            }
        );
        Receive(GossipEvents.InitJoinNack, _ => { });
    }

    public ITimerScheduler Timers { get; set; } = null!;

    protected override void PreStart() =>
        Timers.StartPeriodicTimer(Look.Instance, Look.Instance, _lookInterval, _lookInterval);

    private void Review()
    {
        if (_cluster.SelfMember.Status is not (MemberStatus.Up or MemberStatus.WeaklyUp))
        {
            // Still joining, or leaving already.
            _heardSince.Clear();
            _silent.Clear();
            return;
        }

        var state = _cluster.State;
        var members = state.Members.Select(member => member.Address).ToHashSet();

        // A seed that has not answered since the last look is in no cluster, or not running.
        foreach (var seed in _heardSince.Keys.Where(seed => members.Contains(seed) || _silent.Contains(seed)).ToList())
        {
            _heardSince.Remove(seed);
        }

        var hosts = state.Members.Where(member => member.HasRole(_role)).Select(member => member.Address).ToList();
        var heard = _heardSince.ToDictionary(pair => pair.Key, pair => _clock.GetElapsedTime(pair.Value));
        if (OtherCluster.IsBetter(_seeds, hosts, heard))
        {
            _log.Warning(
                "another cluster stands at {0}; this node leaves its own of {1} nodes for it",
                string.Join(", ", heard.Keys),
                state.Members.Count
            );
            Timers.CancelAll();
            _ = CoordinatedShutdown.Get(Context.System).Run(CoordinatedShutdown.ClusterLeavingReason.Instance);
            return;
        }

        _silent.Clear();
        foreach (var seed in _seeds.Where(seed => !members.Contains(seed) && seed != _cluster.SelfAddress))
        {
            _silent.Add(seed);
            Context
                .ActorSelection(new RootActorPath(seed) / "system" / "cluster" / "core" / "daemon")
                .Tell(GossipEvents.CreateInitJoin());
        }
    }

    /// <summary>The timer's message.</summary>
    private sealed class Look
    {
        public static Look Instance { get; } = new();
    }
}
