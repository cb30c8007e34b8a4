using System.Net.Sockets;

namespace Ppsd.Actors.Remoting;

/// <summary>
/// Accepts connections. Each must prove itself within a time limit and has no thread of its own meanwhile; their number is
/// bounded, and a new one displaces the oldest. Thread-safe.
/// </summary>
/// <param name="listener">Bound and listening.</param>
/// <param name="admit">Authenticates a peer; throws when it is refused. Owns what it opens.</param>
/// <param name="refused">Told why a peer did not get in.</param>
internal sealed class PeerAcceptor(
    Socket listener,
    Func<Socket, CancellationToken, Task> admit,
    Action<Socket, Exception> refused
) : IDisposable
{
    /// <summary>Peers that may be proving themselves at once.</summary>
    public const int MaxPending = 256;

    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan _pause = TimeSpan.FromMilliseconds(100);

    private readonly Lock _lock = new();
    private readonly LinkedList<Socket> _pending = new();

    /// <summary>Accepts connections until it is disposed.</summary>
    public async Task RunAsync()
    {
        while (true)
        {
            Socket peer;
            try
            {
                peer = await listener.AcceptAsync().ConfigureAwait(false);
            }
            catch (SocketException e)
                when (e.SocketErrorCode is not (SocketError.OperationAborted or SocketError.NotSocket))
            {
                // The peer has gone, or the process has no descriptor left; other connections continue.
                await Task.Delay(_pause).ConfigureAwait(false);
                continue;
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                return;
            }

            _ = GreetAsync(peer);
        }
    }

    public void Dispose()
    {
        listener.Dispose();
        lock (_lock)
        {
            foreach (var peer in _pending)
            {
                peer.Dispose();
            }
        }
    }

    private async Task GreetAsync(Socket peer)
    {
        LinkedListNode<Socket> entry;
        lock (_lock)
        {
            entry = _pending.AddLast(peer);
            if (_pending.Count > MaxPending)
            {
                _pending.First!.Value.Dispose();
                _pending.RemoveFirst();
            }
        }

        using var patience = new CancellationTokenSource(_patience);
        try
        {
            peer.NoDelay = true;
            await admit(peer, patience.Token).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            // Any error caused by a stranger's bytes ends here.
            peer.Dispose();
            refused(peer, e);
        }
        finally
        {
            lock (_lock)
            {
                if (entry.List is not null)
                {
                    _pending.Remove(entry);
                }
            }
        }
    }
}
