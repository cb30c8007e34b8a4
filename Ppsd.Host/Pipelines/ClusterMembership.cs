using Ppsd.Actors.Client;
using Ppsd.Actors.Cluster;
using Ppsd.Actors.Configuration;
using Ppsd.Actors.Snapshots;
using Ppsd.Host.Generation;
using Ppsd.Host.Models;

namespace Ppsd.Host.Pipelines;

/// <summary>
/// This process as a lasting member of a cluster: when the cluster has removed it (a partition, a long pause), it joins
/// anew by itself. Disposing leaves politely.
/// </summary>
internal sealed class ClusterMembership : IPipelineAccess
{
    private static readonly TimeSpan _pause = TimeSpan.FromSeconds(1);

    private readonly Func<ClusterNode> _join;
    private readonly TimeProvider _clock;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _watch;
    private volatile ClusterNode _node;

    private ClusterMembership(Func<ClusterNode> join, TimeProvider clock)
    {
        _join = join;
        _clock = clock;
        _node = join();
        _watch = WatchAsync();
    }

    public PpsdClient Client => _node.Client;

    /// <summary>Address others reach this node at.</summary>
    public string Address => _node.Address;

    /// <summary>Joins as a client.</summary>
    /// <param name="seeds">Members to join.</param>
    /// <param name="node">Addresses of this process.</param>
    /// <param name="clock">Time.</param>
    public static ClusterMembership Join(IReadOnlyList<string> seeds, NodeSettings node, TimeProvider clock)
    {
        var config = node.Load(NodeRole.Client);
        List<string> addresses = [.. seeds.Select(SeedAddress.Parse)];
        return new(() => ClusterNode.StartClient(config, addresses), clock);
    }

    /// <summary>Forms a cluster, or joins one, as a node that may host its coordinator.</summary>
    /// <param name="seeds">Members to join; none to be the first.</param>
    /// <param name="node">Addresses of this process.</param>
    /// <param name="plan">The pipeline to form.</param>
    /// <param name="assets">The model, whose texts it serves to client apps.</param>
    /// <param name="clock">Time.</param>
    public static ClusterMembership Coordinate(
        IReadOnlyList<string> seeds,
        NodeSettings node,
        ClusterPlan plan,
        ModelAssets assets,
        TimeProvider clock
    )
    {
        var config = node.Load(NodeRole.Coordinator);
        List<string> addresses = [.. seeds.Select(SeedAddress.Parse)];
        return new(
            () => ClusterNode.StartCoordinator(config, addresses, plan, client => new GatewayModel(client, assets)),
            clock
        );
    }

    public Task<ClusterSnapshot> GetSnapshotAsync(TimeSpan timeout) => _node.GetSnapshotAsync(timeout, _clock);

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _watch.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await _node.DisposeAsync();
        _stop.Dispose();
    }

    private async Task WatchAsync()
    {
        while (true)
        {
            await _node.Terminated.WaitAsync(_stop.Token);
            await Task.Delay(_pause, _clock, _stop.Token);
            _node = _join();
        }
    }
}
