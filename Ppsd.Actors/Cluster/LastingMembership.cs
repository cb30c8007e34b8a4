using System.Runtime.CompilerServices;
using Ppsd.Actors.Client;
using Ppsd.Actors.Messages;

namespace Ppsd.Actors.Cluster;

/// <summary>
/// This process as a lasting member of a cluster. It joins anew by itself when the cluster has removed it (a partition, a long
/// pause, the death of those it knew), and when nobody is left in it who could host a coordinator: nodes that were started again
/// have a cluster of their own. Thread-safe. Disposing leaves politely.
/// </summary>
public sealed class LastingMembership : IAsyncDisposable
{
    private static readonly TimeSpan _lookInterval = TimeSpan.FromMilliseconds(500);

    /// <summary>Looks in a row at a cluster without a coordinator's host: one may be on its way in.</summary>
    private const int LooksUntilAlone = 3;

    private readonly Func<ClusterNode> _join;
    private readonly TimeProvider _clock;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _watch;
    private volatile ClusterNode _node;
    private int _isDisposed;

    /// <summary>Joins.</summary>
    /// <param name="join">Joins, the first time and again; must not wait.</param>
    /// <param name="clock">Time.</param>
    public LastingMembership(Func<ClusterNode> join, TimeProvider clock)
    {
        ArgumentNullException.ThrowIfNull(join);
        _join = join;
        _clock = clock;
        _node = join();
        _watch = WatchAsync();
    }

    /// <summary>This process as a member now; another object after it has joined anew.</summary>
    public ClusterNode Node => _node;

    /// <summary>
    /// Starts a text and yields what comes of it. One that nobody has accepted before this process joins anew is asked for again
    /// afterwards.
    /// </summary>
    internal async IAsyncEnumerable<IWireMessage> GenerateTextAsync(
        StartText request,
        TimeSpan startTimeout,
        [EnumeratorCancellation] CancellationToken cancellation
    )
    {
        var started = _clock.GetTimestamp();
        while (true)
        {
            var node = _node;
            var patience = startTimeout - _clock.GetElapsedTime(started);
            var isAccepted = false;
            var parts = node.GenerateTextAsync(
                    request,
                    patience > _lookInterval ? patience : _lookInterval,
                    cancellation
                )
                .GetAsyncEnumerator(cancellation);
            await using (parts.ConfigureAwait(false))
            {
                while (await TryMoveAsync().ConfigureAwait(false) is { } next)
                {
                    isAccepted = true;
                    yield return next;
                }

                if (isAccepted)
                {
                    yield break;
                }
            }

            await Task.Delay(_lookInterval / 5, _clock, cancellation).ConfigureAwait(false);

            // Null at the end, and where it is to be tried again.
            async Task<IWireMessage?> TryMoveAsync()
            {
                try
                {
                    return await parts.MoveNextAsync().ConfigureAwait(false) ? parts.Current : null;
                }
                catch (GenerationException)
                    when (!isAccepted && node.IsLeaving && _clock.GetElapsedTime(started) < startTimeout)
                {
                    return null;
                }
            }
        }
    }

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) != 0)
        {
            // A container disposes of what it has registered under two types twice.
            return;
        }

        await _stop.CancelAsync().ConfigureAwait(false);
        await _watch.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await _node.DisposeAsync().ConfigureAwait(false);
        _stop.Dispose();
    }

    private async Task WatchAsync()
    {
        var looksAlone = 0;
        while (true)
        {
            await Task.Delay(_lookInterval, _clock, _stop.Token).ConfigureAwait(false);
            looksAlone = _node.IsAlone ? looksAlone + 1 : 0;
            if (_node.Terminated.IsCompleted || looksAlone == LooksUntilAlone)
            {
                looksAlone = 0;
                await _node.DisposeAsync().AsTask().WaitAsync(_stop.Token).ConfigureAwait(false);
                _node = _join();
            }
        }
    }
}
