using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using Akka.Actor;
using Akka.Configuration;
using Akka.Remote.Transport;
using Google.Protobuf;
using Ppsd.Actors.Remoting;

namespace Ppsd.Tests.Support.Toys;

/// <summary>Whom a node of a test does not hear: what it sends still arrives.</summary>
internal sealed class Ears
{
    private static readonly ConditionalWeakTable<ActorSystem, Ears> _all = [];

    private readonly ConcurrentDictionary<int, byte> _closedTo = [];
    private volatile bool _isClosed;

    public static Ears Of(ActorSystem system) => _all.GetValue(system, _ => new Ears());

    /// <summary>Hears nobody any more.</summary>
    public void Close() => _isClosed = true;

    /// <summary>Does not hear the node at an address any more.</summary>
    public void CloseTo(Address address) => _closedTo[address.Port!.Value] = 0;

    /// <summary>Hears everybody again.</summary>
    public void Open()
    {
        _closedTo.Clear();
        _isClosed = false;
    }

    public bool Hear(int port) => !_isClosed && !_closedTo.ContainsKey(port);
}

/// <summary>Remoting's transport between nodes that can be made deaf: it loses one direction only.</summary>
public sealed class DeafTransport : Transport, IDisposable
{
    /// <summary>Gives a node this transport.</summary>
    public const string Hocon =
        "akka.remote.dot-netty.tcp.transport-class = \"Ppsd.Tests.Support.Toys.DeafTransport, Ppsd.Tests\"";

    private readonly SocketTransport _sockets;
    private readonly Ears _ears;

    /// <summary>Called by Akka.</summary>
    public DeafTransport(ActorSystem system, Config config)
    {
        System = system;
        Config = config;
        _sockets = new SocketTransport(system, config);
        _ears = Ears.Of(system);
        SchemeIdentifier = _sockets.SchemeIdentifier;
        MaximumPayloadBytes = _sockets.MaximumPayloadBytes;
    }

    public override bool IsResponsibleFor(Address remote) => _sockets.IsResponsibleFor(remote);

    public override async Task<(Address, TaskCompletionSource<IAssociationEventListener>)> Listen()
    {
        var (address, listener) = await _sockets.Listen();
        var upper = new TaskCompletionSource<IAssociationEventListener>(
            TaskCreationOptions.RunContinuationsAsynchronously
        );
        _ = ListenAsync();
        return (address, upper);

        async Task ListenAsync()
        {
            var above = await upper.Task;
            listener.SetResult(
                new Listener<IAssociationEvent>(association =>
                    above.Notify(
                        association is InboundAssociation inbound
                            ? new InboundAssociation(new DeafAssociation(inbound.Association, _ears))
                            : association
                    )
                )
            );
        }
    }

    public override async Task<AssociationHandle> Associate(Address remoteAddress) =>
        new DeafAssociation(await _sockets.Associate(remoteAddress), _ears);

    public override Task<bool> Shutdown() => _sockets.Shutdown();

    public void Dispose() => _sockets.Dispose();

    private sealed class Listener<TEvent>(Action<TEvent> take) : IAssociationEventListener, IHandleEventListener
    {
        public void Notify(IAssociationEvent ev) => take((TEvent)ev);

        public void Notify(IHandleEvent ev) => take((TEvent)ev);
    }

    private sealed class DeafAssociation : AssociationHandle
    {
        private readonly AssociationHandle _socket;
        private readonly Ears _ears;

        // Of a peer that connected, the port is that of the connection until it has said which it listens at.
        private int _peer;

        public DeafAssociation(AssociationHandle socket, Ears ears)
            : base(socket.LocalAddress, socket.RemoteAddress)
        {
            _socket = socket;
            _ears = ears;
            _peer = socket.RemoteAddress.Port!.Value;
            _ = ReadAsync();
        }

        public override bool Write(ByteString payload) => _socket.Write(payload);

        [Obsolete("Remoting calls the overload with a reason.")]
        public override void Disassociate() => _socket.Disassociate();

        private async Task ReadAsync()
        {
            var above = await ReadHandlerSource.Task;
            _socket.ReadHandlerSource.SetResult(
                new Listener<IHandleEvent>(happened =>
                {
                    if (happened is InboundPayload { Payload: var payload })
                    {
                        _peer = InboundMessages.OriginOf(payload.Span)?.Port ?? _peer;
                        if (!_ears.Hear(_peer))
                        {
                            return;
                        }
                    }

                    above.Notify(happened);
                })
            );
        }
    }
}
