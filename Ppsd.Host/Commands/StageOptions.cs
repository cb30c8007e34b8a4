using System.CommandLine;
using Ppsd.Actors.Planning;
using Ppsd.Host.Models;
using Ppsd.Host.Runtime;
using Ppsd.Kernels.Catalog;
using Ppsd.Kernels.Devices;
using Ppsd.Kernels.Model;

namespace Ppsd.Host.Commands;

/// <summary>Options that say how a model is cut into stages and where they run.</summary>
internal sealed class StageOptions : IOptionGroup
{
    /// <summary>Most stages where none are asked for, and as many in a cluster, whose nodes must agree on them.</summary>
    private const int DefaultStages = 4;

    private readonly Option<int?> _stages = OptionFactory.Number(
        "--stages",
        "N",
        "Stages of the pipeline, cut evenly; 4 by default, but on the CPU of one machine at most one for each core, and never more than the model has layers.",
        1,
        1024
    );

    private readonly Option<int[]?> _stageLayers = OptionFactory.Counts(
        "--stage-layers",
        "N,N,…",
        "Layers of each stage, instead of --stages."
    );

    private readonly Option<string?> _device = OptionFactory.Text(
        "--device",
        "auto|cpu|cuda:N",
        "Device of the stages, or several between commas that stages take in turn; auto by default: all usable CUDA cards, or else the CPU."
    );

    private readonly Option<int?> _threads = OptionFactory.Number(
        "--threads",
        "N",
        "Threads of each stage on the CPU; by default this machine's cores over the pipeline's stages, at least 1.",
        1,
        1024
    );

    private readonly Option<long?> _kvCacheBytes = OptionFactory.Number(
        "--kv-cache-bytes",
        "N",
        "Bytes of KV cache of each stage; by default what the device can spare.",
        1L,
        1L << 50
    );

    private readonly Option<string?> _kvType = OptionFactory.Choice(
        "--kv-type",
        "How a CUDA card holds keys and values; bf16 by default. The CPU holds fp32.",
        "bf16",
        "fp32"
    );

    private readonly Option<string?> _ropeFrequencies = OptionFactory.Choice(
        "--rope-frequencies",
        "Precision of the rotary embedding's frequencies: the checkpoint's own type, by default, or fp32.",
        "checkpoint",
        "fp32"
    );

    private readonly Option<int?> _prefillChunk = OptionFactory.Number(
        "--prefill-chunk",
        "N",
        "Most prompt tokens of a step; by default 512 on a CUDA card and 64 on the CPU.",
        1,
        4096
    );

    private readonly Option<int?> _stepRows = OptionFactory.Number(
        "--step-rows",
        "N",
        "Most candidates of a step, over all sessions; by default 64 on a CUDA card and 16 on the CPU.",
        1,
        64
    );

    private readonly Option<int?> _deviceShare = OptionFactory.Number(
        "--device-share",
        "N",
        "Stages that share each device, where some of them are in other processes: together they take what it has left after all their weights. By default those of this process.",
        1,
        1024
    );

    /// <summary>How many stages share a device.</summary>
    public Option<int?> DeviceShare => _deviceShare;

    /// <summary>Adds them to a command.</summary>
    public void AddTo(Command command)
    {
        command.Options.Add(_stages);
        command.Options.Add(_stageLayers);
        command.Options.Add(_device);
        command.Options.Add(_threads);
        command.Options.Add(_kvCacheBytes);
        command.Options.Add(_kvType);
        command.Options.Add(_ropeFrequencies);
        command.Options.Add(_prefillChunk);
        command.Options.Add(_stepRows);
        command.Options.Add(_deviceShare);
    }

    /// <summary>The cut they ask for.</summary>
    /// <param name="stageCount">Stages when neither option is given; null for as many as fit this machine.</param>
    /// <exception cref="UserErrorException">It does not fit the model.</exception>
    public StagePlan Plan(ParseResult parsed, ModelAssets assets, int? stageCount = null) =>
        Plan(
            parsed,
            assets.Config.LayerCount,
            assets.Plan?.StageLayers,
            stageCount ?? MostStages(parsed, assets.Config.LayerCount)
        );

    /// <summary>The cut of a cluster's pipeline: its default must not depend on the machine, since all nodes must agree.</summary>
    /// <exception cref="UserErrorException">It does not fit the model.</exception>
    public StagePlan ClusterPlan(ParseResult parsed, ModelAssets assets) =>
        Plan(parsed, assets.Config.LayerCount, assets.Plan?.StageLayers, stageCount: null);

    /// <summary>
    /// Stages of this machine where none are asked for: on the CPU one for each core (or for as many cores as --threads
    /// says), because stages that share a core take turns and only add hops; at most <see cref="DefaultStages"/>.
    /// </summary>
    public int MostStages(ParseResult parsed, int layerCount)
    {
        var most = Math.Min(DefaultStages, layerCount);
        return IsOnCpu(parsed)
            ? Math.Clamp(Environment.ProcessorCount / (parsed.GetValue(_threads) ?? 1), 1, most)
            : most;
    }

    /// <summary>True when no stage is on a card.</summary>
    public bool IsOnCpu(ParseResult parsed) => Devices(parsed.GetValue(_device)).All(device => device == "cpu");

    /// <summary>How many stages --stages asks for; null where it does not.</summary>
    public int? Count(ParseResult parsed) =>
        parsed.GetValue(_stages) ?? (parsed.GetValue(_stageLayers) is { Length: > 0 } layers ? layers.Length : null);

    /// <summary>Layers of stage 1 as asked for: where a synthetic model's exit head goes.</summary>
    public int FirstStageLayers(ParseResult parsed, int layerCount) =>
        Plan(parsed, layerCount, planned: null, stageCount: null).Stages[0].Count;

    private StagePlan Plan(ParseResult parsed, int layerCount, IReadOnlyList<int>? planned, int? stageCount)
    {
        var counts = parsed.GetValue(_stageLayers) is { Length: > 0 } given ? given : null;
        var stages = parsed.GetValue(_stages);
        if (planned is not null && (counts is not null || stages is not null))
        {
            throw new UserErrorException(
                $"{(counts is null ? "--stages" : "--stage-layers")}: cannot be given with --plan, which has {string.Join(',', planned)}"
            );
        }

        counts ??= planned?.ToArray();
        if (counts is not null && stages is not null && stages != counts.Length)
        {
            throw new UserErrorException($"--stages: expected {counts.Length} as --stage-layers has, found {stages}");
        }

        try
        {
            return counts is not null
                ? StagePlan.FromCounts(counts, layerCount)
                : StagePlan.Even(layerCount, stages ?? stageCount ?? Math.Min(DefaultStages, layerCount));
        }
        catch (StagePlanException e)
        {
            var option = e.Setting == StagePlanSetting.Stages ? _stages.Name : _stageLayers.Name;
            throw new UserErrorException($"{option}: {e.Misfit}", e);
        }
    }

    /// <summary>Where stages go.</summary>
    /// <param name="stagesHere">Stages that share this process's cores.</param>
    public StageSettings Settings(ParseResult parsed, int stagesHere) =>
        new()
        {
            Devices = Devices(parsed.GetValue(_device)),
            Threads = parsed.GetValue(_threads) ?? Math.Max(1, Environment.ProcessorCount / stagesHere),
            KvCacheBytes = parsed.GetValue(_kvCacheBytes) ?? 0,
            KvType = parsed.GetValue(_kvType) == "fp32" ? KvType.Float32 : KvType.BFloat16,
            RopeFrequencies =
                parsed.GetValue(_ropeFrequencies) == "fp32" ? RopeFrequencies.Float32 : RopeFrequencies.CheckpointType,
            PrefillChunk = parsed.GetValue(_prefillChunk) ?? 0,
            StepRows = parsed.GetValue(_stepRows) ?? 0,
            DeviceShare = parsed.GetValue(_deviceShare) ?? 0,
        };

    /// <summary>The options as given, for a child process.</summary>
    public IEnumerable<string> Arguments(ParseResult parsed, StagePlan plan, int threads)
    {
        yield return "--stage-layers";
        yield return plan.ToString();
        yield return "--threads";
        yield return $"{threads}";
        foreach (var option in (Option[])[_device, _kvCacheBytes, _kvType, _ropeFrequencies, _prefillChunk, _stepRows])
        {
            if (parsed.GetResult(option) is { Implicit: false, Tokens: [var token, ..] })
            {
                yield return option.Name;
                yield return token.Value;
            }
        }

        // Each child has one stage, and takes devices as this process would.
        yield return _deviceShare.Name;
        yield return $"{parsed.GetValue(_deviceShare) ?? Settings(parsed, plan.Stages.Count).LargestShare(plan.Stages.Count)}";
    }

    private static IReadOnlyList<string> Devices(string? given)
    {
        if (given is null or "auto")
        {
            return DeviceCatalog.Automatic();
        }

        var devices = given.Split(',');
        return Array.Find(devices, device => !DeviceCatalog.IsName(device)) is { } unknown
            ? throw new UserErrorException($"--device: expected auto, cpu or cuda:N, found '{unknown}'")
            : devices;
    }
}
