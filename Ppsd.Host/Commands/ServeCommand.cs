using System.CommandLine;
using Ppsd.Host.Api;
using Ppsd.Host.Pipelines;
using Ppsd.Host.Terminal;

namespace Ppsd.Host.Commands;

/// <summary><c>ppsd serve</c>: an OpenAI-compatible HTTP server in front of a pipeline, until it is told to stop.</summary>
internal sealed class ServeCommand : PpsdCommand
{
    private readonly ModelOptions _model = new();
    private readonly ServerOptions _server = new();
    private readonly PlacementOptions _placement = new(new NodeOptions("cluster-"));

    private readonly Option<bool> _cluster = OptionFactory.Switch(
        "--cluster",
        "Forms a cluster that 'ppsd stage' nodes join, and hosts its coordinator; holds no stage itself."
    );

    public ServeCommand(TimeProvider clock)
        : base("serve", "Serves the model by an OpenAI-compatible HTTP API.", clock)
    {
        Add(_model);
        Add(_server);
        Add(_cluster);
        Add(_placement);
    }

    /// <summary>It finishes what it has begun and leaves its cluster; how long that may take is a setting of its own.</summary>
    public override TimeSpan TerminationTimeout => TimeSpan.FromDays(1);

    protected override async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellation)
    {
        _placement.Check(parsed);
        var settings = _server.Settings(parsed);
        if (ServerOptions.IsOpenToOthers(settings))
        {
            Console.Error.WriteLine(
                $"ppsd: warning: --host {settings.Host} lets other machines in and there is no --api-key: whoever reaches this port can use the model"
            );
        }

        var assets = _model.Open(parsed, _placement.Stages, Clock);
        assets.CheckChatTemplate();
        await using var pipeline = await _placement.ServeAsync(
            parsed,
            assets,
            parsed.GetValue(_cluster),
            Clock,
            cancellation
        );
        if (pipeline is ClusterMembership member)
        {
            StandardOutput.WriteLine($"node at {member.Address}");
        }

        await using var server = await ApiServer.StartAsync(assets, pipeline, settings, Clock);
        StandardOutput.WriteLine(ServerAnnouncement.Prefix + server.Address);
        var stopped = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var registration = cancellation.Register(() => stopped.TrySetResult());
        await stopped.Task;
        return 0;
    }
}

/// <summary>What a server prints when it listens.</summary>
internal static class ServerAnnouncement
{
    /// <summary>Before the address.</summary>
    public const string Prefix = "serving at ";
}
