using Akka.Actor;
using Akka.Cluster;
using Ppsd.Actors.Remoting;

namespace Ppsd.Actors.Client;

/// <summary>The nodes of a cluster that serve texts, in turn. Thread-safe.</summary>
internal sealed class TextGateways(ExtendedActorSystem system)
{
    /// <summary>Name of a gateway below <c>/user</c>.</summary>
    public const string ActorName = "text-gateway";

    /// <summary>Cluster role of the nodes that have a gateway.</summary>
    public const string Role = "text";

    private readonly Akka.Cluster.Cluster _cluster = Akka.Cluster.Cluster.Get(system);
    private int _turn;

    /// <summary>Whether this process has joined, for an error line.</summary>
    public string Explanation =>
        _cluster.State.Members.Count == 0
            ? JoinTroubles.Of(system).Any ?? $"this process has not joined a cluster yet ({Seeds()})"
            : "expected a member with role 'text', which 'ppsd stage' and 'ppsd serve' nodes have";

    /// <summary>The next gateway in turn; null when none is reachable.</summary>
    public IActorRef? Next()
    {
        var state = _cluster.State;
        var nodes = state
            .Members.Where(member =>
                member.Status is MemberStatus.Up or MemberStatus.WeaklyUp
                && member.HasRole(Role)
                && !state.Unreachable.Contains(member)
            )
            .ToList();
        if (nodes.Count == 0)
        {
            return null;
        }

        var turn = (uint)Interlocked.Increment(ref _turn) % (uint)nodes.Count;
        var path = new RootActorPath(nodes[(int)turn].Address) / "user" / ActorName;
        return system.Provider.ResolveActorRef(path);
    }

    private string Seeds() =>
        _cluster.Settings.SeedNodes.IsEmpty
            ? "no seed node is reachable"
            : string.Join(", ", _cluster.Settings.SeedNodes);
}
