using System.Net.Sockets;
using Ppsd.Actors.Remoting;

namespace Ppsd.Actors.Links;

/// <summary>
/// Lets peers of a stage in: one thread listens, and greets all that are on their way in at once, so that a flood of
/// connections costs no thread. A connection that takes longer than the patience, or exceeds the limit, is closed.
/// </summary>
/// <remarks>
/// All calls block or look: a socket that was once used asynchronously wakes another thread for each receive afterwards.
/// </remarks>
/// <param name="listener">Bound and listening; its disposal ends the thread.</param>
/// <param name="secret">What peers must prove to have.</param>
/// <param name="admit">Takes a peer that has.</param>
internal sealed class LinkDoor(Socket listener, ClusterSecret secret, Action<Socket> admit)
{
    /// <summary>Peers that may be on their way in at once.</summary>
    public const int MaxPending = 64;

    private const long PatienceMs = 5_000;

    // A socket that is disposed may not wake who polls it.
    private const int LongestSleepUs = 1_000_000;

    private static readonly TimeSpan _pause = TimeSpan.FromMilliseconds(100);

    private readonly List<Newcomer> _pending = [];

    /// <summary>Lets in until the listener is disposed.</summary>
    public void Run()
    {
        try
        {
            while (true)
            {
                Turn();
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // Disposed: no more peers are accepted.
            _pending.ForEach(newcomer => newcomer.Socket.Dispose());
        }
    }

    private void Turn()
    {
        List<Socket> readable = [listener, .. _pending.Select(newcomer => newcomer.Socket)];
        Socket.Select(readable, null, null, LongestSleepUs);
        var now = Environment.TickCount64;
        for (var i = _pending.Count - 1; i >= 0; i--)
        {
            var newcomer = _pending[i];
            var isStaying = now - newcomer.SinceMs < PatienceMs;
            var isProven = false;
            if (isStaying && readable.Contains(newcomer.Socket))
            {
                isStaying = newcomer.TryGoOn(out isProven);
            }

            if (isProven || !isStaying)
            {
                _pending.RemoveAt(i);
                (isProven ? admit : Drop)(newcomer.Socket);
            }
        }

        if (readable.Contains(listener))
        {
            if (_pending.Count == MaxPending)
            {
                Drop(_pending[0].Socket);
                _pending.RemoveAt(0);
            }

            _pending.Add(new Newcomer(Accept(), Greeting.OfServer(secret), now));
        }
    }

    private Socket Accept()
    {
        while (true)
        {
            try
            {
                return listener.Accept();
            }
            catch (SocketException e)
                when (e.SocketErrorCode
                        is SocketError.TooManyOpenSockets
                            or SocketError.ConnectionAborted
                            or SocketError.ConnectionReset
                )
            {
                // Nothing tells when descriptors are free again.
                using var never = new ManualResetEventSlim();
                never.Wait(_pause);
            }
        }
    }

    private static void Drop(Socket socket) => socket.Dispose();

    private sealed class Newcomer(Socket socket, Greeting greeting, long sinceMs)
    {
        private readonly byte[] _buffer = new byte[Math.Max(Greeting.HelloBytes, ClusterSecret.ProofBytes)];
        private int _filled;
        private bool _hasMet;

        public Socket Socket { get; } = socket;

        public long SinceMs { get; } = sinceMs;

        /// <summary>Takes what has arrived; false when the peer may not come in.</summary>
        public bool TryGoOn(out bool isProven)
        {
            isProven = false;
            var needed = _hasMet ? ClusterSecret.ProofBytes : Greeting.HelloBytes;
            try
            {
                var read = Socket.Receive(_buffer.AsSpan(_filled, needed - _filled));
                if (read == 0 || (_filled += read) < needed)
                {
                    return read > 0;
                }

                _filled = 0;
                if (_hasMet)
                {
                    isProven = greeting.IsProof(_buffer.AsSpan(0, needed));
                    Socket.Send(greeting.Answer(isProven));
                    return isProven;
                }

                greeting.Meet(_buffer.AsSpan(0, needed));
                Socket.Send(greeting.Hello.Span);
                return _hasMet = true;
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException or GreetingException)
            {
                return false;
            }
        }
    }
}
