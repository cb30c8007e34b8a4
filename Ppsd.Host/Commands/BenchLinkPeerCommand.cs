using System.CommandLine;
using Akka.Actor;
using Ppsd.Actors.Configuration;
using Ppsd.Host.Bench.Link;
using Ppsd.Host.Terminal;

namespace Ppsd.Host.Commands;

/// <summary>
/// <c>ppsd bench link-peer</c>: the far end of a link under measurement, until standard input ends. Started by
/// <c>bench link</c>, hence hidden.
/// </summary>
internal sealed class BenchLinkPeerCommand : PpsdCommand
{
    private readonly NodeOptions _node = new();

    public BenchLinkPeerCommand(TimeProvider clock)
        : base("link-peer", "Answers a link benchmark.", clock)
    {
        Hidden = true;
        Add(_node);
    }

    protected override async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellation)
    {
        using var system = ActorSystem.Create("ppsd", _node.Settings(parsed).Load(NodeRole.Stage));
        var peer = system.ActorOf(LinkPeerActor.Props, "link-peer");
        var address = ((ExtendedActorSystem)system).Provider.DefaultAddress;
        StandardOutput.WriteLine(LinkBench.PeerAnnouncement + peer.Path.ToStringWithAddress(address));
        while (await Console.In.ReadLineAsync(cancellation) is not null) { }

        await system.Terminate();
        return 0;
    }
}
