using System.CommandLine;
using Ppsd.Host.Api;
using Ppsd.Host.Api.Serving;
using Ppsd.Host.Models;
using Ppsd.Host.Pipelines;
using Ppsd.Host.Terminal;

namespace Ppsd.Host.Commands;

/// <summary><c>ppsd serve</c>: an OpenAI-compatible HTTP server in front of a pipeline, until it is told to stop.</summary>
internal sealed class ServeCommand : PpsdCommand
{
    private readonly ModelOptions _model = new();
    private readonly ServerOptions _server = new();
    private readonly DraftOptions _drafts = new();
    private readonly PlacementOptions _placement = new(new NodeOptions(hasShortNames: false));

    private readonly Option<bool> _cluster = OptionFactory.Switch(
        "--cluster",
        "Forms a cluster that 'ppsd stage' nodes join, and hosts its coordinator; holds no stage itself."
    );

    public ServeCommand(TimeProvider clock)
        : base("serve", "Serves the model by an OpenAI-compatible HTTP API.", clock)
    {
        Add(_model);
        Add(_server);
        Add(_drafts);
        Add(_cluster);
        Add(_placement);
    }

    public override bool HandlesSignals => true;

    protected override async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellation)
    {
        _placement.Check(parsed);
        var settings = _server.Settings(parsed);
        if (ServerOptions.IsOpenToOthers(settings))
        {
            Console.Error.WriteLine(
                $"ppsd: warning: --host {settings.Host} lets other machines in and there is no --api-key: anyone who reaches this port can use the model"
            );
        }

        var signals = StopSignals.OfProcess();
        var assets = _model.Open(parsed, _placement.Stages, Clock);
        assets.CheckChatTemplate();
        settings = settings with { Defaults = settings.Defaults with { Drafts = _drafts.Settings(parsed, assets) } };
        signals.Arm();
        try
        {
            await ServeAsync(parsed, assets, settings, signals);
            return 0;
        }
        catch (OperationCanceledException) when (signals.Stopped.IsCompleted)
        {
            // Before there was anything to serve.
            return 0;
        }
    }

    private async Task ServeAsync(ParseResult parsed, ModelAssets assets, ServerSettings settings, StopSignals signals)
    {
        await using var pipeline = await _placement.ServeAsync(
            parsed,
            assets,
            settings.Defaults.Drafts!,
            _drafts.Arguments(parsed),
            parsed.GetValue(_cluster),
            Clock,
            signals.Token
        );
        if (pipeline is ClusterMembership member)
        {
            StandardOutput.WriteLine($"node at {member.Address}");
        }

        await using var server = await ApiServer.StartAsync(assets, pipeline, settings, Clock);
        StandardOutput.WriteLine(ServerAnnouncement.Prefix + server.Address);
        await signals.Stopped;
    }
}

/// <summary>What a server prints when it listens.</summary>
internal static class ServerAnnouncement
{
    /// <summary>Before the address.</summary>
    public const string Prefix = "serving at ";
}
