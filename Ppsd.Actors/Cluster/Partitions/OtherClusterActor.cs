using Akka.Actor;
using Akka.Cluster;
using Akka.Event;

namespace Ppsd.Actors.Cluster.Partitions;

/// <summary>
/// Asks seeds that are not members of this node's cluster whether they are in another one, and has the node leave its own when
/// <see cref="OtherCluster"/> says so. Whoever watches the node's end, <see cref="Ppsd.Actors.Cluster.LastingMembership"/>, joins again and finds the seed.
/// </summary>
/// <remarks>
/// It asks as a newcomer does who looks for a member to join. Akka has no public message for that, and its answers must be let in
/// from a node that is no member (<see cref="Ppsd.Actors.Remoting.InboundMessages"/>).
/// </remarks>
internal sealed class OtherClusterActor : ReceiveActor, IWithTimers
{
    /// <summary>Name among the actors of the system.</summary>
    public const string Name = "other-cluster";

    private static readonly TimeSpan _lookInterval = TimeSpan.FromSeconds(1);

    private readonly Akka.Cluster.Cluster _cluster = Akka.Cluster.Cluster.Get(Context.System);
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly IReadOnlyList<Address> _seeds;
    private readonly string _role;
    private readonly TimeProvider _clock;
    private readonly Dictionary<Address, long> _heardSince = [];
    private readonly HashSet<Address> _silent = [];

    /// <param name="seeds">Nodes that this one joins at, in order.</param>
    /// <param name="role">Members that may host the coordinator.</param>
    public OtherClusterActor(IReadOnlyList<Address> seeds, string role, TimeProvider clock)
    {
        (_seeds, _role, _clock) = (seeds, role, clock);
        Receive<Look>(_ => Review());
        Receive(
            GossipEvents.InitJoinAck,
            _ =>
            {
                // What this node has not asked for decides nothing.
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
        var state = _cluster.State;
        var members = state.Members.Select(member => member.Address).ToHashSet();
        if (_cluster.SelfMember.Status is not (MemberStatus.Up or MemberStatus.WeaklyUp))
        {
            members.UnionWith(_seeds);
        }

        // Who has not answered since the last look is in no cluster, or nowhere.
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

    /// <summary>Note to self: time has passed.</summary>
    private sealed class Look
    {
        public static Look Instance { get; } = new();
    }
}
