using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using Akka.Actor;
using Akka.Actor.Setup;
using Akka.Configuration;
using Akka.Event;
using Akka.Remote.Transport;
using Ppsd.Actors.Messages.Wire;

namespace Ppsd.Actors.Remoting;

/// <summary>What a node gives its transport: the socket that it listens at already, and who it is.</summary>
internal sealed class TransportSetup(Socket listener, NodeIdentity identity) : Setup
{
    public Socket Listener { get; } = listener;

    public NodeIdentity Identity { get; } = identity;

    /// <summary>The cluster's secret as a node knows it; null for none.</summary>
    public static ClusterSecret? SecretOf(ActorSystem system) =>
        system.Settings.Setup.Get<TransportSetup>() is { HasValue: true } setup ? setup.Value.Identity.Secret : null;
}

/// <summary>
/// Remoting's connections between nodes, in place of Akka's own over DotNetty and with its settings,
/// <c>akka.remote.dot-netty.tcp</c>: the same frames, behind the <see cref="Greeting"/>. Akka's own allocates
/// whatever length a stranger announces, lets two processes share a port, and stops the node over a peer's certificate.
/// </summary>
public sealed class SocketTransport : Transport, IDisposable
{
    private const long WarningIntervalMs = 10_000;
    private static readonly TimeSpan _connectPatience = TimeSpan.FromSeconds(5);

    private readonly NodeIdentity _identity;
    private readonly Socket? _given;
    private readonly ConcurrentDictionary<SocketAssociation, byte> _associations = new(
        ReferenceEqualityComparer.Instance
    );
    private readonly ILoggingAdapter _log;
    private readonly TaskCompletionSource<IAssociationEventListener> _listener = new(
        TaskCreationOptions.RunContinuationsAsynchronously
    );

    private PeerAcceptor? _acceptor;
    private Address? _localAddress;
    private long _lastWarningMs = -WarningIntervalMs;

    /// <summary>Called by Akka.</summary>
    public SocketTransport(ActorSystem system, Config config)
    {
        ArgumentNullException.ThrowIfNull(system);
        ArgumentNullException.ThrowIfNull(config);
        System = system;
        Config = config;
        MaximumPayloadBytes = config.GetByteSize("maximum-frame-size", null) ?? 128_000;
        var setup = system.Settings.Setup.Get<TransportSetup>();
        _identity = setup.HasValue ? setup.Value.Identity : NodeIdentity.Open;
        _given = setup.HasValue ? setup.Value.Listener : null;
        SchemeIdentifier = _identity.Certificate is null ? "tcp" : "ssl.tcp";
        FlushPatience = system.Settings.Config.GetTimeSpan(
            "akka.remote.flush-wait-on-shutdown",
            TimeSpan.FromSeconds(2)
        );
        UnprovenMemory = new UnprovenMemory(2 * MaximumPayloadBytes);
        Refusals = WireRefusals.Of(system);
        Troubles = JoinTroubles.Of(system);
        _log = Logging.GetLogger(system, "ppsd-transport");
    }

    /// <summary>Longest time that a closing connection takes to send what is queued.</summary>
    internal TimeSpan FlushPatience { get; }

    internal UnprovenMemory UnprovenMemory { get; }

    internal WireRefusals Refusals { get; }

    private JoinTroubles Troubles { get; }

    /// <inheritdoc />
    public override bool IsResponsibleFor(Address remote) => true;

    /// <inheritdoc />
    public override Task<(Address, TaskCompletionSource<IAssociationEventListener>)> Listen()
    {
        var hostname = Config.GetString("hostname", "");
        var socket = _given ?? ListeningSocket.Bind(hostname, Config.GetInt("port"), Config.GetInt("backlog", 4096));
        var bound = (IPEndPoint)socket.LocalEndPoint!;
        var publicHost = Config.GetString("public-hostname", "");
        _localAddress = new Address(
            SchemeIdentifier,
            System.Name,
            HostOf(
                publicHost.Length > 0 ? publicHost
                : hostname.Length > 0 ? hostname
                : bound.Address.ToString()
            ),
            Config.GetInt("public-port", 0) is > 0 and var port ? port : bound.Port
        );
        _acceptor = new PeerAcceptor(socket, AdmitAsync, Refused);
        _ = AcceptWhenWantedAsync(_acceptor);
        return Task.FromResult((_localAddress, _listener));
    }

    /// <inheritdoc />
    public override async Task<AssociationHandle> Associate(Address remoteAddress)
    {
        ArgumentNullException.ThrowIfNull(remoteAddress);
        using var patience = new CancellationTokenSource(_connectPatience);
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            var host = remoteAddress.Host.Trim('[', ']');
            await socket.ConnectAsync(host, remoteAddress.Port!.Value, patience.Token).ConfigureAwait(false);
            var stream = await _identity.GreetAsync(socket, host, patience.Token).ConfigureAwait(false);
            Troubles.Clear(remoteAddress);
            return Keep(new SocketAssociation(this, _localAddress!, remoteAddress, socket, stream, isOutbound: true));
        }
        catch (Exception e)
            when (e
                    is SocketException
                        or GreetingException
                        or IOException
                        or OperationCanceledException
                        or ObjectDisposedException
            )
        {
            socket.Dispose();
            var reason = e switch
            {
                GreetingException => e.Message,
                OperationCanceledException => "does not answer",
                _ => $"cannot be reached: {e.Message}",
            };
            if (e is GreetingException && Troubles.Note(remoteAddress, reason))
            {
                Warn($"{remoteAddress.Host}:{remoteAddress.Port} {reason}");
            }

            throw new InvalidAssociationException($"{remoteAddress} {reason}", e);
        }
    }

    /// <inheritdoc />
    public override async Task<bool> Shutdown()
    {
        Dispose();
        await Task.WhenAll(_associations.Keys.Select(association => association.CloseAsync())).ConfigureAwait(false);
        return true;
    }

    /// <summary>Stops listening.</summary>
    public void Dispose() => (_acceptor as IDisposable ?? _given)?.Dispose();

    /// <summary>True when the peer at this address has proved that it belongs to the cluster, or is a member of it.</summary>
    internal bool IsTrusted((string Host, int Port)? origin) =>
        _identity.ProvesPeers
        || (
            origin is { } peer
            && System.HasExtension<Akka.Cluster.Cluster>()
            && Akka.Cluster.Cluster.Get(System)
                .State.Members.Any(member => member.Address.Host == peer.Host && member.Address.Port == peer.Port)
        );

    internal void Forget(SocketAssociation association) => _associations.TryRemove(association, out _);

    /// <summary>Logs one line for many refusals: a stranger must not fill the log.</summary>
    internal void WarnOfStranger(string line)
    {
        var now = Environment.TickCount64;
        var last = Interlocked.Read(ref _lastWarningMs);
        if (now - last >= WarningIntervalMs && Interlocked.CompareExchange(ref _lastWarningMs, now, last) == last)
        {
            Warn(
                $"{line} (more of the kind may follow in the next {WarningIntervalMs / 1000} s, and are counted only)"
            );
        }
    }

    private void Warn(string line) => _log.Warning("{0}", line);

    private static string HostOf(string host) =>
        IPAddress.TryParse(host, out var address) && address.AddressFamily == AddressFamily.InterNetworkV6
            ? $"[{host}]"
            : host;

    private async Task AcceptWhenWantedAsync(PeerAcceptor acceptor)
    {
        await _listener.Task.ConfigureAwait(false);
        await acceptor.RunAsync().ConfigureAwait(false);
    }

    private async Task AdmitAsync(Socket socket, CancellationToken cancellation)
    {
        var remote = (IPEndPoint)socket.RemoteEndPoint!;
        var stream = await _identity.ReceiveAsync(socket, cancellation).ConfigureAwait(false);
        var address = new Address(SchemeIdentifier, System.Name, HostOf(remote.Address.ToString()), remote.Port);
        var association = Keep(new SocketAssociation(this, _localAddress!, address, socket, stream, isOutbound: false));
        (await _listener.Task.ConfigureAwait(false)).Notify(new InboundAssociation(association));
    }

    private void Refused(Socket socket, Exception reason)
    {
        if (reason is not GreetingException)
        {
            // Closed, or silent for too long, as port scanners and health checks are.
            return;
        }

        Refusals.Add();
        WarnOfStranger($"a peer was refused: it {reason.Message}");
    }

    private SocketAssociation Keep(SocketAssociation association)
    {
        _associations.TryAdd(association, 0);
        return association;
    }
}
