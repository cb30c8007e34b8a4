using System.Buffers;
using System.Net.Sockets;
using Ppsd.Actors.Messages;
using Ppsd.Actors.Messages.Wire;
using Ppsd.Actors.Remoting;

namespace Ppsd.Actors.Links;

/// <summary>A connection to a peer's <see cref="LinkListener"/>. Used by the stage's thread.</summary>
internal sealed class DirectLink : IDisposable
{
    private static readonly TimeSpan _connectTimeout = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan _sendTimeout = TimeSpan.FromSeconds(5);

    private readonly Socket _socket;
    private readonly WireSerializer _serializer;
    private readonly ArrayBufferWriter<byte> _frame = new();
    private bool _isBroken;

    private DirectLink(Socket socket, WireSerializer serializer)
    {
        _socket = socket;
        _serializer = serializer;
    }

    /// <summary>Connects; null when the peer cannot be reached so, and remoting has to do.</summary>
    /// <param name="endpoint">The peer's.</param>
    /// <param name="serializer">Of the wire protocol.</param>
    /// <param name="secret">The cluster's; null for none.</param>
    public static DirectLink? TryConnect(LinkEndpoint endpoint, WireSerializer serializer, ClusterSecret? secret = null)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp)
        {
            NoDelay = true,
            SendTimeout = (int)_sendTimeout.TotalMilliseconds,
        };
        try
        {
            using var patience = new CancellationTokenSource(_connectTimeout);
            using var registration = patience.Token.Register(socket.Dispose);
            socket.Connect(endpoint.Host, endpoint.Port);
            if (TryGreet(socket, ClusterSecret.OfLink(endpoint.Key, secret)))
            {
                return new DirectLink(socket, serializer);
            }

            socket.Dispose();
            return null;
        }
        catch (Exception e)
            when (e is SocketException or ObjectDisposedException or OperationCanceledException or GreetingException)
        {
            socket.Dispose();
            return null;
        }
    }

    /// <summary>Proves to the peer that this side has the secret, and sees that it has; waits for its answers.</summary>
    internal static bool TryGreet(Socket socket, ClusterSecret secret)
    {
        var greeting = Greeting.OfClient(secret);
        Span<byte> hello = stackalloc byte[Greeting.HelloBytes];
        Span<byte> answer = stackalloc byte[Greeting.AnswerBytes];
        socket.Send(greeting.Hello.Span);
        if (!LinkFrame.TryFill(socket, hello))
        {
            return false;
        }

        greeting.Meet(hello);
        socket.Send(greeting.Prove());
        if (!LinkFrame.TryFill(socket, answer))
        {
            return false;
        }

        greeting.TakeAnswer(answer);
        return true;
    }

    /// <summary>Sends a message; false once the connection is broken.</summary>
    public bool TrySend(object message)
    {
        if (_isBroken)
        {
            return false;
        }

        try
        {
            LinkFrame.Write(message, _serializer, _frame);
            var frame = _frame.WrittenSpan;
            while (frame.Length > 0)
            {
                frame = frame[_socket.Send(frame)..];
            }

            return true;
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // Half a frame may be on its way, so nothing can follow it.
            _isBroken = true;
            _socket.Dispose();
            return false;
        }
    }

    public void Dispose() => _socket.Dispose();
}
