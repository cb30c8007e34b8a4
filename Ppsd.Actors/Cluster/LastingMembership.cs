using System.Runtime.CompilerServices;
using Akka.Configuration;
using Ppsd.Actors.Client;
using Ppsd.Actors.Messages;

namespace Ppsd.Actors.Cluster;

/// <summary>
/// This process as a lasting member of a cluster. It joins anew by itself when the cluster has removed it (a partition, a long
/// pause, the death of those it knew), when nobody is left in it who could host a coordinator, since nodes that were started again
/// have a cluster of their own, and when nobody lets it in for long. Thread-safe. Disposing leaves politely.
/// </summary>
public sealed class LastingMembership : IAsyncDisposable, IClientHomes
{
    private static readonly TimeSpan _lookInterval = TimeSpan.FromMilliseconds(500);

    /// <summary>Looks in a row at a cluster without a coordinator's host: one may be on its way in.</summary>
    private const int LooksUntilAlone = 3;

    /// <summary>
    /// Looks in a row at no cluster at all, 20 s: answers to a process that was started again at its address can go to what died there
    /// (akka issue 19274). What starts anew has connections of its own.
    /// </summary>
    private const int LooksUntilAnew = 40;

    /// <summary>Attempts to join again at the port that others know this node by, which may have been taken; then at any.</summary>
    private const int AttemptsAtItsPort = 20;

    private readonly Func<ClusterNode> _join;
    private readonly Func<int, ClusterNode> _joinAt;
    private readonly TimeProvider _clock;
    private readonly Action? _onLost;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _watch;
    private volatile ClusterNode _node;
    private int _isDisposed;

    /// <summary>Joins.</summary>
    /// <param name="join">Joins, the first time and again; must not wait.</param>
    /// <param name="onLost">Told before it joins again; null for nobody.</param>
    /// <param name="joinAt">Joins at a port, so that others find it where it was; null where nobody looks for it.</param>
    public LastingMembership(
        Func<ClusterNode> join,
        TimeProvider clock,
        Action? onLost = null,
        Func<int, ClusterNode>? joinAt = null
    )
    {
        _onLost = onLost;
        _joinAt = joinAt ?? (_ => join());
        ArgumentNullException.ThrowIfNull(join);
        _join = join;
        _clock = clock;
        _node = join();
        Client = new PpsdClient(this, resumes: ResumePolicy.Of(_node.System.Settings.Config));
        _watch = WatchAsync();
    }

    /// <summary>This process as a member now; another object after it has joined anew.</summary>
    public ClusterNode Node => _node;

    /// <summary>Starts generations on the cluster's pipeline. Texts go on when this process has joined anew.</summary>
    public PpsdClient Client { get; }

    /// <inheritdoc />
    ClientHome IClientHomes.Current => _node.Home;

    /// <summary>
    /// Starts a text and yields what comes of it. One that nobody has accepted before this process joins anew is asked for again
    /// afterwards; one whose gateway is lost goes on at another.
    /// </summary>
    internal async IAsyncEnumerable<IWireMessage> GenerateTextAsync(
        StartText request,
        TimeSpan startTimeout,
        [EnumeratorCancellation] CancellationToken cancellation
    )
    {
        var held = new HeldText(request);
        var policy = ResumePolicy.Of(_node.System.Settings.Config);
        var patience = startTimeout;
        var asked = _clock.GetTimestamp();
        while (true)
        {
            var node = _node;
            var left = patience - _clock.GetElapsedTime(asked);
            var parts = node.GenerateTextAsync(held.Request, left > _lookInterval ? left : _lookInterval, cancellation)
                .GetAsyncEnumerator(cancellation);
            await using (parts.ConfigureAwait(false))
            {
                while (await TryMoveAsync().ConfigureAwait(false) is { } next)
                {
                    if (held.Take(next) is { } part)
                    {
                        yield return part;
                    }
                }

                if (held.IsComplete)
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
                catch (GenerationException e) when (MayTryAgain(e))
                {
                    return null;
                }
            }

            bool MayTryAgain(GenerationException failure)
            {
                if (held.IsAccepted)
                {
                    (patience, asked) = (policy.Patience, _clock.GetTimestamp());
                    return failure.CanGoOn && held.TryGoOn(policy.MaxResumes);
                }

                return (node.IsLeaving || (held.IsResuming && failure.Failure == GenerationFailure.Unavailable))
                    && _clock.GetElapsedTime(asked) < patience;
            }
        }
    }

    /// <inheritdoc />
    async Task<ClientHome?> IClientHomes.NextAsync(ClientHome lost, TimeSpan patience, CancellationToken cancellation)
    {
        var asked = _clock.GetTimestamp();
        while (_node.Home == lost)
        {
            if (_stop.IsCancellationRequested || _clock.GetElapsedTime(asked) >= patience)
            {
                return null;
            }

            await Task.Delay(_lookInterval / 5, _clock, cancellation).ConfigureAwait(false);
        }

        return _node.Home;
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

    /// <summary>Joins, as often as it takes: the port of the node that was may not be free yet.</summary>
    private async Task JoinAgainAsync()
    {
        var port = _node.Port;
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                _node = attempt <= AttemptsAtItsPort ? _joinAt(port) : _join();
                return;
            }
            catch (ConfigurationException)
            {
                await Task.Delay(_lookInterval, _clock, _stop.Token).ConfigureAwait(false);
            }
        }
    }

    private async Task WatchAsync()
    {
        var (looksAlone, looksOutside) = (0, 0);
        while (true)
        {
            await Task.Delay(_lookInterval, _clock, _stop.Token).ConfigureAwait(false);
            looksAlone = _node.IsAlone ? looksAlone + 1 : 0;
            looksOutside = _node.IsOutside ? looksOutside + 1 : 0;
            var isLost = _node.Terminated.IsCompleted || looksAlone == LooksUntilAlone;
            if (isLost || looksOutside == LooksUntilAnew)
            {
                (looksAlone, looksOutside) = (0, 0);
                await _node.DisposeAsync().AsTask().WaitAsync(_stop.Token).ConfigureAwait(false);
                if (isLost)
                {
                    _onLost?.Invoke();
                }

                await JoinAgainAsync().ConfigureAwait(false);
            }
        }
    }
}
