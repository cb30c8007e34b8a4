using System.CommandLine;
using Ppsd.Actors.Cluster;
using Ppsd.Actors.Configuration;
using Ppsd.Actors.Stages;
using Ppsd.Host.Generation;
using Ppsd.Host.Models;
using Ppsd.Host.Pipelines;
using Ppsd.Host.Planning.Measurement;
using Ppsd.Host.Runtime;
using Ppsd.Host.Telemetry;
using Ppsd.Host.Terminal;

namespace Ppsd.Host.Commands;

/// <summary><c>ppsd stage</c>: a node that holds one stage and may host the coordinator.</summary>
internal sealed class StageCommand : PpsdCommand
{
    /// <summary>Long enough for the runtime to compile what is called often once more, with all optimizations.</summary>
    private static readonly TimeSpan _warmUp = TimeSpan.FromMilliseconds(400);

    private readonly ModelOptions _model = new();
    private readonly StageOptions _stages = new();
    private readonly NodeOptions _node = new();
    private readonly DraftOptions _drafts = new();

    private readonly Option<string[]> _seedNodes = OptionFactory.Texts(
        "--seed-node",
        "HOST:PORT",
        "Member of the cluster to join; may be given several times. Without one the node forms a cluster of its own."
    );

    private readonly Option<int?> _stage = OptionFactory.Number(
        "--stage",
        "N",
        "Which stage to hold, from 1; by default any that is free.",
        1,
        1024
    );

    private readonly Option<bool> _leaveAtEndOfInput = OptionFactory.Switch(
        "--leave-at-end-of-input",
        "Leaves when standard input ends."
    );

    private readonly Option<int?> _drainTimeout = OptionFactory.Number(
        "--drain-timeout",
        "SECONDS",
        "How long a leaving node continues its sessions; 30 by default.",
        0,
        86_400
    );

    private readonly Option<string?> _drain = OptionFactory.Choice(
        "--drain",
        "What a leaving node does with its sessions: finish goes on until they have ended (the default), handover has them go on with the next pipeline, at once.",
        "finish",
        "handover"
    );

    private readonly Option<bool> _spare = OptionFactory.Switch(
        "--spare",
        "Holds no stage until one dies, and takes its place without loading: all stages' layers wait in memory where they fit."
    );

    private readonly Option<bool> _shrink = OptionFactory.Switch(
        "--shrink",
        "Holds more layers than planned, as many as fit into half of the device's memory, while nodes are missing and no spare is left."
    );

    private readonly Option<long?> _replayMemory = OptionFactory.Number(
        "--replay-memory",
        "BYTES",
        "Most memory for the hidden states that this node has sent: they go again to the stage that takes a dead next one's place, and the stages that live keep their keys and values. 268435456 by default; with 0 all stages compute a text again.",
        0L,
        1L << 50
    );

    public StageCommand(TimeProvider clock)
        : base("stage", "Runs a node that holds one stage of a cluster's pipeline.", clock)
    {
        Add(_model);
        Add(_stages);
        Add(_seedNodes);
        Add(_stage);
        Add(_node);
        Add(_drafts);
        Add(_drain);
        Add(_drainTimeout);
        Add(_spare);
        Add(_shrink);
        Add(_replayMemory);
        Add(_leaveAtEndOfInput);
    }

    public override bool HandlesSignals => true;

    protected override async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellation)
    {
        var signals = StopSignals.OfProcess();
        var assets = _model.Open(parsed, _stages, Clock);
        assets.CheckChatTemplate(); // clients chat through this node's text gateway
        var plan = _stages.ClusterPlan(parsed, assets);
        var drafts = _drafts.Settings(parsed, assets);
        var wanted = parsed.GetValue(_stage);
        if (wanted > plan.Stages.Count)
        {
            throw new UserErrorException(
                $"--stage: expected 1 to {plan.Stages.Count} (the pipeline's stages), found {wanted}"
            );
        }

        // The other stages may be processes of this machine too, and together they must not ask for more cores than it has.
        var settings = _stages.Settings(parsed, stagesHere: plan.Stages.Count);
        var isSpare = parsed.GetValue(_spare);
        if (isSpare && wanted is not null)
        {
            throw new UserErrorException("expected --stage or --spare, found both");
        }

        var factory = new StageRuntimeFactory(
            assets,
            settings,
            parsed.GetValue(_stages.DeviceShare) is null ? null : plan
        );
        using var shelf = new RuntimeShelf(
            layers => Warm(factory.Load(layers, (wanted ?? 1) - 1, clock: Clock), assets),
            keepsAll: isSpare
        );
        var failure = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
        var drained = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var node = new StageNode
        {
            ModelFingerprint = assets.Fingerprint,
            LayerCount = assets.Config.LayerCount,
            Arithmetic = settings.Arithmetic,
            WantedStage = (wanted ?? 0) - 1,
            CreateTextModel = client => new GatewayModel(client, assets, drafts),
            CreateRuntime = shelf.Take,
            IsSpare = isSpare,
            MostLayers = parsed.GetValue(_shrink)
                ? StageCapacity.MostLayers(factory, assets.Config.LayerCount, settings.DeviceOf((wanted ?? 1) - 1))
                : 0,
            HandsOver = parsed.GetValue(_drain) == "handover",
            OnReady = ready =>
                StandardOutput.WriteLine(
                    $"stage {ready.Stage.Number}: layers {ready.Member.Description.FirstLayer + 1} to "
                        + $"{ready.Member.Description.FirstLayer + ready.Member.Description.LayerCount} on {ready.Member.Description.Device}"
                ),
            OnDrainRequested = () => drained.TrySetResult(),
            OnRefused = reason => Console.Error.WriteLine($"ppsd: {reason}; the pipeline goes on without it"),
            OnFailed = reason => failure.TrySetResult(reason),
        };
        using var traces = TelemetryExport.StartStageTraces();
        var config = _node.Settings(parsed).Load(NodeRole.Stage, OwnSettings(parsed));
        List<string> seeds = [.. parsed.GetValue(_seedNodes)!.Select(SeedAddress.Parse)];
        if (isSpare)
        {
            Console.Error.WriteLine($"spare: {SpareStages.Prepare(assets, plan, settings, factory, shelf)}");
        }

        // A node that the cluster has removed, as it hung or nobody reached it, joins again with what it has loaded.
        await using var member = new LastingMembership(
            () => ClusterNode.StartStage(config, seeds, node, ClusterPlan.Of(plan), Clock),
            Clock,
            () => Console.Error.WriteLine("ppsd: the cluster removed this node; it joins again"),
            port => ClusterNode.StartStage(PpsdConfig.AtPort(config, port), seeds, node, ClusterPlan.Of(plan), Clock)
        );
        StandardOutput.WriteLine(StageAnnouncement.Prefix + member.Node.Address);
        signals.Arm();
        var inputEnded = parsed.GetValue(_leaveAtEndOfInput)
            ? ReadToEndAsync()
            : Task.Delay(Timeout.Infinite, signals.Token);
        var first = await Task.WhenAny(signals.Stopped, drained.Task, inputEnded, failure.Task);
        if (first == failure.Task)
        {
            throw new UserErrorException(await failure.Task);
        }

        return 0;
    }

    /// <summary>
    /// Runs a stage on the CPU for a moment before the cluster hears of it: nodes take longer to find each other than that, and
    /// their first text should not be the one that compiles.
    /// </summary>
    private IStageRuntime Warm(IStageRuntime runtime, ModelAssets assets)
    {
        if (!runtime.RunsOnDevice)
        {
            new StageProbe(runtime, assets.Config.HiddenSize, Clock).WarmUp(_warmUp);
        }

        return runtime;
    }

    private string OwnSettings(ParseResult parsed) =>
        (parsed.GetValue(_drainTimeout) is { } seconds ? $"ppsd.cluster.drain-timeout = {seconds}s\n" : "")
        + (parsed.GetValue(_replayMemory) is { } bytes ? $"ppsd.pipeline.replay-memory = {bytes}\n" : "");

    private static async Task ReadToEndAsync()
    {
        // A thread of its own: reads of a pipe block, and the thread pool belongs to remoting.
        await Task.Factory.StartNew(
            () =>
            {
                while (Console.In.Read() >= 0) { }
            },
            CancellationToken.None,
            TaskCreationOptions.LongRunning,
            TaskScheduler.Default
        );
    }
}
