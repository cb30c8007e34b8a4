using System.CommandLine;
using Ppsd.Host.Bench;
using Ppsd.Host.Bench.Decode;
using Ppsd.Host.Bench.Replay;
using Ppsd.Host.Bench.Rivals;
using Ppsd.Host.Models;
using Ppsd.Host.Rivals;
using Ppsd.Host.Runtime;
using Ppsd.Kernels.Devices.Cpu;
using Ppsd.Kernels.Model;

namespace Ppsd.Host.Commands;

/// <summary><c>ppsd bench decode</c>: autoregressive decoding and PPSD side by side from one run.</summary>
internal sealed class BenchDecodeCommand : PpsdCommand
{
    private readonly ModelOptions _model = new(calibrates: true);
    private readonly StageOptions _stages = new();
    private readonly SamplingOptions _sampling = new(rivals: true);
    private readonly RivalOptions _rivals = new();

    private readonly BenchPromptOptions _prompts = new();

    private readonly Option<int?> _repetitions = OptionFactory.Number(
        "--repetitions",
        "N",
        "Rounds, each of both modes; 5 by default.",
        1,
        1000
    );

    private readonly DraftReplayOptions _replay = new();
    private readonly ReportOptions _report = new();
    private readonly BenchStandOptions _stand;

    public BenchDecodeCommand(TimeProvider clock)
        : base("decode", "Decodes autoregressively and with PPSD on the same stages, in turn.", clock)
    {
        _stand = new BenchStandOptions(_stages);
        Add(_model);
        Add(_sampling);
        Add(_rivals);
        Add(_stages);
        Add(_prompts);
        Add(_repetitions);
        Add(_replay);
        Add(_report);
        Add(_stand);
    }

    protected override async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellation)
    {
        var rival = _rivals.Settings(parsed, _sampling.Rival(parsed));
        var assets = _model.Open(parsed, _stages, Clock);
        if (rival is not null)
        {
            return Run(rival, parsed, assets, cancellation);
        }

        var plan = _stand.Plan(parsed, assets);
        var stages = _stages.Settings(parsed, plan.Stages.Count);
        var generation = _sampling.Settings(parsed, assets) with { IgnoreEndTokens = true, StopStrings = [] };
        assets = _model.Calibrate(parsed, assets, stages, generation.Sampling, Console.Error.WriteLine);
        var settings = new DecodeBenchSettings(
            _prompts.Read(parsed, assets),
            generation,
            parsed.GetValue(_repetitions) ?? 5
        );
        var replay = _replay.Read(parsed, assets);
        var reading = MeasureMemory(stages, assets);

        await using var stand = await _stand.StartAsync(
            parsed,
            assets,
            plan,
            settings.Prompts,
            generation,
            Clock,
            cancellation,
            replay
        );
        var result = await new DecodeBench(stand, assets, Clock, replay).RunAsync(settings, cancellation);
        _report.Print(parsed, new DecodeReport(result, Describe(assets, stand, settings, replay), reading).Create());
        return result.HasPpsd && !result.IsTextIdentical ? 1 : 0;
    }

    /// <summary>A rival beside plain decoding on the same devices, all in this thread.</summary>
    private int Run(RivalSettings rival, ParseResult parsed, ModelAssets assets, CancellationToken cancellation)
    {
        _stand.RefuseProcesses(parsed, rival.Name);
        var plan = _stages.Plan(parsed, assets, _stages.Count(parsed) ?? 1);
        var stages = _stages.Settings(parsed, stagesHere: 1);
        var generation = _sampling.Settings(parsed, assets) with { IgnoreEndTokens = true, StopStrings = [] };
        assets = _model.Calibrate(parsed, assets, stages, generation.Sampling, Console.Error.WriteLine);
        var replay = _replay.Read(parsed, assets);
        var prompts = _prompts.Read(parsed, assets);
        var repetitions = parsed.GetValue(_repetitions) ?? 5;
        var length = prompts.Max(prompt => prompt.Length) + generation.MaxTokens;
        var loader = new RivalLoader(assets, plan, stages, length, Clock);
        using var plain = loader.LoadPlain();
        using var decoder = loader.Load(rival, replay is null ? null : stage => new ReplayedRuntime(stage, replay));
        var result = new RivalBench(plain, decoder, assets, replay).Run(prompts, generation, repetitions, cancellation);
        var setting =
            $"{assets.Name}, {rival.Description}; {RivalText.Describe(decoder)}; {BenchSetting.Describe(generation.Sampling)}; "
            + $"{prompts.Count} prompts, {generation.MaxTokens} tokens each, {DraftReplayOptions.Describe(replay)}{repetitions} rounds; {Environment.ProcessorCount} cores";
        _report.Print(parsed, RivalReport.Create(result, rival.Name, plan.Stages.Count, setting));
        return result.IsTextIdentical ? 0 : 1;
    }

    /// <summary>Autoregressive decoding works at one stage at a time, so its threads are those of one stage.</summary>
    private static MemoryReading? MeasureMemory(StageSettings stages, ModelAssets assets)
    {
        if (stages.Devices.Any(device => device != "cpu"))
        {
            return null;
        }

        var whole = new StageRuntimeFactory(assets, stages).OptionsFor(new(0, assets.Config.LayerCount)) with
        {
            ExitHeads = [],
        };
        var embedding = assets.Config.TieWordEmbeddings
            ? 0
            : (long)assets.Config.VocabSize * assets.Config.HiddenSize * 2;
        return new MemoryReading(
            MemoryBandwidth.Measure(stages.Threads),
            stages.Threads,
            StageFootprint.Of(whole).WeightBytes - embedding
        );
    }

    private static string Describe(
        ModelAssets assets,
        BenchStand stand,
        DecodeBenchSettings settings,
        ReplayedTexts? replay
    ) =>
        $"{BenchSetting.Describe(assets, stand.Pipeline.Formed, settings.Generation)}; {stand.Setting}; {settings.Prompts.Count} prompts, "
        + $"{settings.Generation.MaxTokens} tokens each, width {(settings.Generation.MaxWidth > 0 ? settings.Generation.MaxWidth : "auto")}, "
        + DraftReplayOptions.Describe(replay)
        + $"{settings.Repetitions} rounds; {Environment.ProcessorCount} cores";
}
