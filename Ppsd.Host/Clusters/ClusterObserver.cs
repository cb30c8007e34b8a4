using Ppsd.Actors.Cluster;
using Ppsd.Actors.Messages;
using Ppsd.Actors.Snapshots;

namespace Ppsd.Host.Clusters;

/// <summary>A member of a cluster that only looks. Disposing leaves politely.</summary>
internal sealed class ClusterObserver : IAsyncDisposable
{
    private static readonly TimeSpan _answerTimeout = TimeSpan.FromSeconds(2);

    private readonly ClusterNode _node;
    private readonly TimeProvider _clock;

    private ClusterObserver(ClusterNode node, TimeProvider clock)
    {
        _node = node;
        _clock = clock;
    }

    /// <summary>Waits until the cluster answers.</summary>
    /// <param name="node">This process as a member; disposed of when it does not.</param>
    /// <param name="seeds">Whom it joins, for the complaint.</param>
    /// <param name="patience">How long to wait.</param>
    /// <exception cref="UserErrorException">No coordinator answered in time.</exception>
    public static async Task<ClusterObserver> JoinAsync(
        ClusterNode node,
        IReadOnlyList<string> seeds,
        TimeSpan patience,
        TimeProvider clock,
        CancellationToken cancellation
    )
    {
        var observer = new ClusterObserver(node, clock);
        var started = clock.GetTimestamp();
        try
        {
            while (!(await observer.LookAsync()).HasCoordinator)
            {
                cancellation.ThrowIfCancellationRequested();
                if (clock.GetElapsedTime(started) > patience)
                {
                    throw new UserErrorException(
                        node.JoinTrouble
                            ?? $"no coordinator answers at {string.Join(", ", seeds)} after {patience.TotalSeconds:0} s"
                    );
                }
            }

            return observer;
        }
        catch
        {
            await observer.DisposeAsync();
            throw;
        }
    }

    /// <summary>The cluster as it is now.</summary>
    public Task<ClusterSnapshot> LookAsync() => _node.GetSnapshotAsync(_answerTimeout, _clock);

    /// <summary>Asks a node to leave once its sessions have ended; null when it does not answer.</summary>
    public Task<NodeDraining?> DrainAsync(string address) => _node.DrainAsync(address, _answerTimeout);

    public ValueTask DisposeAsync() => _node.DisposeAsync();
}
