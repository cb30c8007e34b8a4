using System.CommandLine;
using Ppsd.Actors.Cluster;
using Ppsd.Actors.Configuration;
using Ppsd.Actors.Local;
using Ppsd.Actors.Planning;
using Ppsd.Host.Generation;
using Ppsd.Host.Models;
using Ppsd.Host.Pipelines;

namespace Ppsd.Host.Commands;

/// <summary>Options that say which processes hold the stages: this one, its children, or a cluster.</summary>
/// <param name="node">How this process meets others.</param>
internal sealed class PlacementOptions(NodeOptions node) : IOptionGroup
{
    private readonly Option<int?> _processes = OptionFactory.Number(
        "--processes",
        "N",
        "Runs each stage in a process of its own on this machine.",
        1,
        1024
    );

    private readonly Option<string[]> _join = OptionFactory.Texts(
        "--join",
        "HOST:PORT",
        "Joins a cluster as a client and decodes there; may be given several times."
    );

    private readonly Option<int?> _wait = OptionFactory.Number(
        "--wait",
        "SECONDS",
        "How long to wait for a pipeline of other processes; 60 by default.",
        1,
        86_400
    );

    /// <summary>Options of stages.</summary>
    public StageOptions Stages { get; } = new();

    /// <summary>Adds them to a command, those of stages and of the node among them.</summary>
    public void AddTo(Command command)
    {
        Stages.AddTo(command);
        command.Options.Add(_processes);
        command.Options.Add(_join);
        command.Options.Add(_wait);
        node.AddTo(command);
    }

    /// <summary>Refuses options that contradict each other.</summary>
    public void Check(ParseResult parsed)
    {
        if (parsed.GetValue(_processes) is not null && parsed.GetValue(_join)!.Length > 0)
        {
            throw new UserErrorException("expected --processes or --join, found both");
        }
    }

    /// <summary>The option that puts stages into other processes; null when none is given.</summary>
    public string? ElsewhereOption(ParseResult parsed) =>
        parsed.GetValue(_processes) is not null ? _processes.Name
        : parsed.GetValue(_join)!.Length > 0 ? _join.Name
        : null;

    /// <summary>
    /// Starts what a pipeline of this process needs and no model decides, so that it comes into being while the model's files
    /// are read; null where the stages are elsewhere.
    /// </summary>
    public PreparedSystem? Prepare(ParseResult parsed) =>
        parsed.GetValue(_processes) is null && parsed.GetValue(_join)!.Length == 0
            ? new PreparedSystem(node.Settings(parsed).Load(NodeRole.Local))
            : null;

    /// <summary>Starts or joins the pipeline they ask for and waits until it stands.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <param name="prepared">What <see cref="Prepare"/> started; null to start all of it now.</param>
    /// <param name="drafts">Options of <see cref="DraftOptions"/> that child processes get, for texts of client apps that come to them.</param>
    /// <exception cref="UserErrorException">It does not come about.</exception>
    public async Task<IPipeline> StartAsync(
        ParseResult parsed,
        ModelAssets assets,
        TimeProvider clock,
        CancellationToken cancellation,
        PreparedSystem? prepared = null,
        IEnumerable<string>? drafts = null
    )
    {
        var settings = node.Settings(parsed);
        var patience = TimeSpan.FromSeconds(parsed.GetValue(_wait) ?? 60);
        var seeds = parsed.GetValue(_join)!;
        if (seeds.Length > 0)
        {
            return await JoinedPipeline.JoinAsync(seeds, settings, patience, Note, clock, cancellation);
        }

        var processes = parsed.GetValue(_processes);
        var plan = Stages.Plan(parsed, assets, processes);
        var stages = Stages.Settings(parsed, plan.Stages.Count);
        if (processes is null)
        {
            return await InProcessPipeline.StartAsync(assets, plan, stages, settings, clock, prepared: prepared);
        }

        if (plan.Stages.Count != processes)
        {
            throw new UserErrorException(
                $"--processes: expected {plan.Stages.Count} as there are stages, found {processes}"
            );
        }

        List<string> arguments =
        [
            .. Stages.Arguments(parsed, plan, stages.Threads),
            .. assets.Arguments,
            .. node.TlsArguments(parsed),
            .. drafts ?? [],
        ];
        var pipeline = await ProcessPipeline.StartAsync(
            ClusterPlan.Of(plan),
            arguments,
            settings,
            patience,
            Note,
            clock,
            cancellation,
            node.SecretVariables(parsed)
        );
        pipeline.ReplaceTheDead(Note, clock);
        return pipeline;
    }

    /// <summary>
    /// The whole model on one stage with all of this machine's threads, beside a pipeline of this process on the CPU; null
    /// where the pipeline is elsewhere, or where a second copy of the weights might not fit.
    /// </summary>
    public async Task<IPipeline?> StartOneStageAsync(
        ParseResult parsed,
        ModelAssets assets,
        IPipeline beside,
        TimeProvider clock
    )
    {
        var settings = Stages.Settings(parsed, stagesHere: 1) with { Threads = Environment.ProcessorCount };
        var weightBytes = beside.Formed.Stages.Sum(stage => stage.Description.WeightBytes);
        return
            beside is InProcessPipeline
            && settings.Devices.All(device => device == "cpu")
            && 2 * weightBytes < GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 2
            ? await InProcessPipeline.StartAsync(
                assets,
                StagePlan.Even(assets.Config.LayerCount, 1),
                settings,
                node.Settings(parsed),
                clock
            )
            : null;
    }

    /// <summary>
    /// What a server needs: the same, but a cluster's pipeline may come later, and go, and come back.
    /// </summary>
    /// <param name="drafts">What drafts for texts of client apps that come to this node.</param>
    /// <param name="draftArguments">The same as options, for child processes.</param>
    /// <param name="coordinates">True to form a cluster that stage nodes join.</param>
    public async Task<IPipelineAccess> ServeAsync(
        ParseResult parsed,
        ModelAssets assets,
        DraftSettings drafts,
        IEnumerable<string> draftArguments,
        bool coordinates,
        TimeProvider clock,
        CancellationToken cancellation
    )
    {
        var seeds = parsed.GetValue(_join)!;
        if (coordinates)
        {
            if (parsed.GetValue(_processes) is not null)
            {
                throw new UserErrorException("expected --processes or --cluster, found both");
            }

            var plan = Stages.ClusterPlan(parsed, assets);
            return ClusterMembership.Coordinate(
                seeds,
                node.Settings(parsed),
                ClusterPlan.Of(plan),
                assets,
                drafts,
                clock
            );
        }

        if (seeds.Length > 0)
        {
            return ClusterMembership.Join(seeds, node.Settings(parsed), clock);
        }

        return await StartAsync(parsed, assets, clock, cancellation, drafts: draftArguments);
    }

    private static void Note(string line) => Console.Error.WriteLine(line);
}
