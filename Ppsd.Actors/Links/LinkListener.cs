using System.Net;
using System.Net.Sockets;
using System.Runtime.Serialization;
using System.Security.Cryptography;
using Ppsd.Actors.Messages;
using Ppsd.Actors.Messages.Wire;
using Ppsd.Actors.Remoting;

namespace Ppsd.Actors.Links;

/// <summary>
/// Takes a stage's messages from its peers over sockets of their own and hands each to the stage's mailbox on the thread
/// that read it: one that waits for the peer, or the stage's own (<see cref="TryTake"/>). A peer that does not prove to have
/// the endpoint's key (and the cluster's secret, if there is one), or sends anything but messages of the data path, is cut
/// off.
/// </summary>
internal sealed class LinkListener : IDisposable
{
    private readonly Socket _socket = new(SocketType.Stream, ProtocolType.Tcp);
    private readonly WireSerializer _serializer;
    private readonly Action<object> _deliver;
    private readonly HashSet<Socket> _peers = [];
    private volatile LinkPeer[] _ready = [];
    private bool _disposed;

    private LinkListener(WireSerializer serializer, Action<object> deliver)
    {
        _serializer = serializer;
        _deliver = deliver;
    }

    /// <summary>Where peers connect.</summary>
    public LinkEndpoint Endpoint { get; private set; } = null!;

    /// <summary>Listens on a free port; null when the address cannot be bound, and remoting has to do.</summary>
    /// <param name="bindHost">Address or name to bind.</param>
    /// <param name="publicHost">As others reach it.</param>
    /// <param name="serializer">Of the wire protocol.</param>
    /// <param name="deliver">Takes messages, from any thread.</param>
    /// <param name="secret">The cluster's; null for none.</param>
    public static LinkListener? TryStart(
        string bindHost,
        string publicHost,
        WireSerializer serializer,
        Action<object> deliver,
        ClusterSecret? secret = null
    )
    {
        var listener = new LinkListener(serializer, deliver);
        try
        {
            // DNS cannot resolve a wildcard such as 0.0.0.0, so literal addresses are parsed.
            var address = IPAddress.TryParse(bindHost, out var parsed) ? parsed : Dns.GetHostAddresses(bindHost)[0];
            listener._socket.Bind(new IPEndPoint(address, 0));
            listener._socket.Listen();
            listener.Endpoint = new LinkEndpoint(
                publicHost,
                ((IPEndPoint)listener._socket.LocalEndPoint!).Port,
                RandomNumberGenerator.GetBytes(LinkEndpoint.KeyBytes)
            );
            var door = new LinkDoor(
                listener._socket,
                ClusterSecret.OfLink(listener.Endpoint.Key, secret),
                listener.Admit
            );
            StartThread(door.Run, "link-listener");
            return listener;
        }
        catch (SocketException)
        {
            listener.Dispose();
            return null;
        }
    }

    /// <summary>
    /// Delivers complete messages on the caller's thread: a polling stage avoids the wake-up latency of the receiver
    /// thread. False when there was nothing.
    /// </summary>
    public bool TryTake()
    {
        var any = false;
        foreach (var peer in _ready)
        {
            any |= peer.TryTake();
        }

        return any;
    }

    public void Dispose()
    {
        lock (_peers)
        {
            _disposed = true;
            _socket.Dispose();
            foreach (var peer in _peers)
            {
                peer.Dispose();
            }
        }
    }

    private void Admit(Socket socket)
    {
        lock (_peers)
        {
            if (_disposed)
            {
                socket.Dispose();
                return;
            }

            _peers.Add(socket);
        }

        StartThread(() => Receive(socket), "link-receiver");
    }

    private void Receive(Socket socket)
    {
        var peer = new LinkPeer(socket, _serializer, _deliver);
        try
        {
            lock (_peers)
            {
                _ready = [.. _ready, peer];
            }

            peer.Run();
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException or SerializationException)
        {
            // Whatever was lost with it the protocol makes good.
        }
        finally
        {
            lock (_peers)
            {
                _peers.Remove(socket);
                _ready = [.. _ready.Where(ready => ready != peer)];
            }

            socket.Dispose();
        }
    }

    /// <summary>A blocked thread wakes at once; a pool's would first have to be found.</summary>
    private static void StartThread(Action body, string name) =>
        new Thread(() => body()) { IsBackground = true, Name = name }.Start();
}
