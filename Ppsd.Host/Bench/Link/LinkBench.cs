using Akka.Actor;
using Ppsd.Actors.Configuration;
using Ppsd.Host.Pipelines;

namespace Ppsd.Host.Bench.Link;

/// <summary>
/// Latency and throughput of the messages that carry hidden states, by message size: between two processes, as stages in
/// separate processes send them, or within this process.
/// </summary>
internal sealed class LinkBench : IAsyncDisposable
{
    /// <summary>Start of the line in which the far process prints its actor's path.</summary>
    public const string PeerAnnouncement = "link peer at ";

    private readonly ActorSystem _system;
    private readonly IActorRef _peer;
    private readonly ChildProcess? _process;
    private readonly TimeProvider _clock;

    private LinkBench(ActorSystem system, IActorRef peer, ChildProcess? process, TimeProvider clock)
    {
        _system = system;
        _peer = peer;
        _process = process;
        _clock = clock;
    }

    /// <summary>Both ends in this process.</summary>
    public static LinkBench StartLocal(NodeSettings node, TimeProvider clock)
    {
        var system = ActorSystem.Create("ppsd", node.Load(NodeRole.Local));
        return new LinkBench(system, system.ActorOf(LinkPeerActor.Props), process: null, clock);
    }

    /// <summary>The far end in a process of its own.</summary>
    /// <exception cref="UserErrorException">The process ended early; the message is its last line of output.</exception>
    public static async Task<LinkBench> StartRemoteAsync(
        NodeSettings node,
        TimeProvider clock,
        CancellationToken cancellation
    )
    {
        string[] config = node.ConfigFile is { } file ? ["--config", file] : [];
        var process = ChildProcess.Start(["bench", "link-peer", .. config], PeerAnnouncement);
        try
        {
            var path = await process.AnnouncedAsync(cancellation);
            var system = ActorSystem.Create("ppsd", node.Load(NodeRole.Client));
            var peer = ((ExtendedActorSystem)system).Provider.ResolveActorRef(path);
            return new LinkBench(system, peer, process, clock);
        }
        catch
        {
            await process.DisposeAsync();
            throw;
        }
    }

    /// <summary>Measures one size.</summary>
    /// <param name="payloadBytes">Bytes of hidden states in a message.</param>
    /// <param name="count">Messages in each of the two measurements.</param>
    public async Task<LinkTiming> MeasureAsync(int payloadBytes, int count, CancellationToken cancellation)
    {
        var result = new TaskCompletionSource<LinkTiming>(TaskCreationOptions.RunContinuationsAsynchronously);
        var driver = _system.ActorOf(LinkDriverActor.Props(_peer, payloadBytes, count, _clock, result));
        var ended = _process?.Ended ?? new TaskCompletionSource<string>().Task;
        if (await Task.WhenAny(result.Task, ended).WaitAsync(cancellation) == ended)
        {
            throw new UserErrorException(await ended);
        }

        _system.Stop(driver);
        return await result.Task;
    }

    public async ValueTask DisposeAsync()
    {
        await _system.Terminate();
        if (_process is not null)
        {
            await _process.DisposeAsync();
        }
    }
}
