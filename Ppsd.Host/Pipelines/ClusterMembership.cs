using Akka.Configuration;
using Ppsd.Actors.Client;
using Ppsd.Actors.Cluster;
using Ppsd.Actors.Configuration;
using Ppsd.Actors.Snapshots;
using Ppsd.Host.Generation;
using Ppsd.Host.Models;

namespace Ppsd.Host.Pipelines;

/// <summary>This process as a lasting member of a cluster, see <see cref="LastingMembership"/>.</summary>
internal sealed class ClusterMembership : IPipelineAccess
{
    private readonly LastingMembership _membership;
    private readonly TimeProvider _clock;

    private ClusterMembership(Func<int?, ClusterNode> join, TimeProvider clock)
    {
        _clock = clock;
        _membership = new LastingMembership(() => join(null), clock, joinAt: port => join(port));
    }

    public PpsdClient Client => _membership.Client;

    /// <summary>Address others reach this node at.</summary>
    public string Address => _membership.Node.Address;

    /// <summary>Joins as a client.</summary>
    /// <param name="seeds">Members to join.</param>
    /// <param name="node">Addresses of this process.</param>
    public static ClusterMembership Join(IReadOnlyList<string> seeds, NodeSettings node, TimeProvider clock)
    {
        var config = node.Load(NodeRole.Client);
        List<string> addresses = [.. seeds.Select(SeedAddress.Parse)];
        return new(port => ClusterNode.StartClient(At(config, port), addresses), clock);
    }

    /// <summary>Forms a cluster, or joins one, as a node that may host its coordinator.</summary>
    /// <param name="seeds">Members to join; none to be the first.</param>
    /// <param name="node">Addresses of this process.</param>
    /// <param name="plan">The pipeline to form.</param>
    /// <param name="assets">The model, whose texts it serves to client apps.</param>
    /// <param name="drafts">What drafts for those texts.</param>
    public static ClusterMembership Coordinate(
        IReadOnlyList<string> seeds,
        NodeSettings node,
        ClusterPlan plan,
        ModelAssets assets,
        DraftSettings drafts,
        TimeProvider clock
    )
    {
        var config = node.Load(NodeRole.Coordinator);
        List<string> addresses = [.. seeds.Select(SeedAddress.Parse)];
        return new(
            port =>
                ClusterNode.StartCoordinator(
                    At(config, port),
                    addresses,
                    plan,
                    client => new GatewayModel(client, assets, drafts)
                ),
            clock
        );
    }

    public Task<ClusterSnapshot> GetSnapshotAsync(TimeSpan timeout) =>
        _membership.Node.GetSnapshotAsync(timeout, _clock);

    public ValueTask DisposeAsync() => _membership.DisposeAsync();

    private static Config At(Config config, int? port) => port is { } known ? PpsdConfig.AtPort(config, known) : config;
}
