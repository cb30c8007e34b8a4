using System.CommandLine;
using System.Globalization;
using Ppsd.Actors.Cluster;
using Ppsd.Actors.Planning;
using Ppsd.Host.Bench;
using Ppsd.Host.Bench.Replay;
using Ppsd.Host.Generation;
using Ppsd.Host.Models;
using Ppsd.Host.Pipelines;
using Ppsd.Host.Runtime;
using Ppsd.Kernels.Model;

namespace Ppsd.Host.Commands;

/// <summary>Options that say what a benchmark measures on: stages in this process, or in several, on shares of a GPU.</summary>
internal sealed class BenchStandOptions : IOptionGroup
{
    private static readonly TimeSpan _patience = TimeSpan.FromMinutes(5);

    private readonly StageOptions _stages;
    private readonly NodeOptions _node = new(hasLinkDelay: true);

    private readonly Option<int?> _processes = OptionFactory.Number(
        "--processes",
        "N",
        "Runs each stage in a process of its own on this machine, and the whole model in one more for comparison.",
        1,
        1024
    );

    private readonly Option<double?> _gpuShare = OptionFactory.Number(
        "--gpu-share",
        "PERCENT",
        "Gives each process this share of a GPU's multiprocessors (CUDA MPS); starts the MPS daemon if none runs.",
        1.0,
        100.0
    );

    private readonly Option<bool> _pipelineOnly = OptionFactory.Switch(
        "--pipeline-only",
        "Leaves out the baselines on one device."
    );

    /// <param name="stages">The command's options of stages.</param>
    public BenchStandOptions(StageOptions stages) => _stages = stages;

    /// <summary>Adds them to a command.</summary>
    public void AddTo(Command command)
    {
        command.Options.Add(_processes);
        command.Options.Add(_gpuShare);
        command.Options.Add(_pipelineOnly);
        _node.AddTo(command);
    }

    /// <summary>The cut they ask for.</summary>
    /// <exception cref="UserErrorException">The options contradict each other.</exception>
    public StagePlan Plan(ParseResult parsed, ModelAssets assets)
    {
        var processes = parsed.GetValue(_processes);
        var plan = _stages.Plan(parsed, assets, processes);
        if (processes is not null && processes != plan.Stages.Count)
        {
            throw new UserErrorException(
                $"--processes: expected {plan.Stages.Count} as there are stages, found {processes}"
            );
        }

        if (parsed.GetValue(_gpuShare) is { } share)
        {
            var devices = _stages.Settings(parsed, stagesHere: 1).Devices;
            if (processes is null)
            {
                throw new UserErrorException("--gpu-share: expected --processes with it, found none");
            }

            if (devices.Any(device => device == "cpu"))
            {
                throw new UserErrorException(
                    $"--gpu-share: expected CUDA devices, found {string.Join(',', devices)} ({share.ToString(CultureInfo.InvariantCulture)} % of none)"
                );
            }
        }

        return plan;
    }

    /// <summary>Refuses processes for a way to decode that runs in this one.</summary>
    /// <exception cref="UserErrorException">There are to be some.</exception>
    public void RefuseProcesses(ParseResult parsed, string decode)
    {
        if (parsed.GetValue(_processes) is { } processes)
        {
            throw new UserErrorException($"--processes: expected none with --decode {decode}, found {processes}");
        }
    }

    /// <summary>Starts all of it.</summary>
    /// <param name="prompts">What will be decoded; sizes the KV cache.</param>
    /// <param name="generation">How.</param>
    /// <param name="replay">Texts whose drafts are replayed; null for the heads' own.</param>
    /// <exception cref="UserErrorException">A part could not be started.</exception>
    public async Task<BenchStand> StartAsync(
        ParseResult parsed,
        ModelAssets assets,
        StagePlan plan,
        IReadOnlyList<int[]> prompts,
        GenerationSettings generation,
        TimeProvider clock,
        CancellationToken cancellation,
        ReplayedTexts? replay = null
    )
    {
        if (replay is not null && parsed.GetValue(_processes) is { } separate)
        {
            throw new UserErrorException(
                $"--draft-acceptance: expected stages in this process, found --processes {separate}"
            );
        }

        if (_node.LinkDelayMs(parsed) is not null && parsed.GetValue(_processes) is { } apart)
        {
            throw new UserErrorException($"--link-delay: expected stages in this process, found --processes {apart}");
        }

        var node = _node.Settings(parsed);
        var settings = _stages.Settings(parsed, plan.Stages.Count);
        if (parsed.GetValue(_processes) is not { } processes)
        {
            return new BenchStand
            {
                Pipeline = await InProcessPipeline.StartAsync(
                    assets,
                    plan,
                    settings,
                    node,
                    clock,
                    replay is null ? null : runtime => new ReplayedRuntime(runtime, replay)
                ),
            };
        }

        var parts = new Stack<IAsyncDisposable>();
        try
        {
            var share = parsed.GetValue(_gpuShare);
            var mps = share is null ? null : Keep(await MpsDaemon.StartAsync(cancellation));
            var environment = share is { } percent ? mps?.Share(percent) : null;
            var pipeline = Keep(await StartPipelineAsync(plan));
            var whole = StagePlan.Even(assets.Config.LayerCount, 1);
            var hasBaseline = processes > 1 && !parsed.GetValue(_pipelineOnly);
            return new BenchStand
            {
                Pipeline = pipeline,
                OneDevice = hasBaseline ? Keep(await StartPipelineAsync(whole)) : null,
                Load = hasBaseline
                    ? Keep(await LoadProcesses.StartAsync(processes, Arguments(plan), environment, cancellation))
                    : null,
                Mps = mps,
                Setting = Describe(processes, share, mps),
            };

            Task<ProcessPipeline> StartPipelineAsync(StagePlan cut) =>
                ProcessPipeline.StartAsync(
                    ClusterPlan.Of(cut),
                    Arguments(cut),
                    node,
                    _patience,
                    Console.Error.WriteLine,
                    clock,
                    cancellation,
                    environment
                );
        }
        catch
        {
            foreach (var part in parts)
            {
                await part.DisposeAsync();
            }

            throw;
        }

        IReadOnlyList<string> Arguments(StagePlan cut) =>
            [
                .. _stages.Arguments(parsed, cut, settings.Threads),
                .. settings.KvCacheBytes > 0
                    ? (string[])[]
                    :
                    [
                        "--kv-cache-bytes",
                        KvCacheBytes(assets, cut, settings, prompts, generation).ToString(CultureInfo.InvariantCulture),
                    ],
                .. assets.Arguments,
            ];

        T Keep<T>(T part)
            where T : IAsyncDisposable
        {
            parts.Push(part);
            return part;
        }
    }

    /// <summary>
    /// Room for two texts and what is drafted beyond them. Processes that share a device must not each take what it can
    /// spare.
    /// </summary>
    private static long KvCacheBytes(
        ModelAssets assets,
        StagePlan cut,
        StageSettings settings,
        IReadOnlyList<int[]> prompts,
        GenerationSettings generation
    )
    {
        var factory = new StageRuntimeFactory(assets, settings);
        var valuesPerToken = cut.Stages.Max(layers => StageFootprint.Of(factory.OptionsFor(layers)).KvValuesPerToken);
        var length = Math.Max(StageLoad.Length, prompts.Max(prompt => prompt.Length) + generation.MaxTokens);
        var drafts = 4 * (cut.Stages.Count + 2) * (generation.MaxWidth > 0 ? generation.MaxWidth : 8);
        return 2 * valuesPerToken * sizeof(float) * (length + drafts + StageModel.KvPageSize);
    }

    private static string Describe(int processes, double? share, MpsDaemon? mps)
    {
        var shares = share is { } percent
            ? FormattableString.Invariant(
                $", each with {percent} % of the GPU's multiprocessors through {(mps!.IsOwn ? "an MPS daemon started and stopped by this benchmark" : "the MPS daemon that was running")}"
            )
            : "";
        return $"{processes} processes on loopback{shares}";
    }
}
