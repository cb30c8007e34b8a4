using System.CommandLine;
using Ppsd.Actors.Messages;
using Ppsd.Host.Bench;
using Ppsd.Host.Generation;
using Ppsd.Host.Models;
using Ppsd.Host.Pipelines;
using Ppsd.Host.Runtime;
using Ppsd.Host.Text;
using Ppsd.Kernels.Devices.Cpu;
using Ppsd.Kernels.Model;
using Spectre.Console;

namespace Ppsd.Host.Commands;

/// <summary><c>ppsd bench decode</c>: autoregressive decoding and PPSD side by side from one run.</summary>
internal sealed class BenchDecodeCommand
{
    private readonly TimeProvider _clock;
    private readonly ModelOptions _model = new();
    private readonly StageOptions _stages = new();
    private readonly SamplingOptions _sampling = new();
    private readonly NodeOptions _node = new();

    private readonly Option<string?> _prompts = OptionFactory.Text(
        "--prompts",
        "FILE",
        "JSON lines with a prompt, messages or a question each; eight built-in questions by default."
    );

    private readonly Option<int?> _repetitions = OptionFactory.Number(
        "--repetitions",
        "N",
        "Rounds, each of both modes; 5 by default.",
        1,
        1000
    );

    private readonly Option<bool> _json = OptionFactory.Switch("--json", "Prints one JSON object instead of a table.");

    private BenchDecodeCommand(TimeProvider clock) => _clock = clock;

    /// <summary>The command.</summary>
    public static Command Create(TimeProvider clock)
    {
        var bench = new BenchDecodeCommand(clock);
        var command = new Command("decode", "Decodes autoregressively and with PPSD on the same stages, in turn.");
        bench._model.AddTo(command);
        bench._sampling.AddTo(command);
        bench._stages.AddTo(command);
        command.Options.Add(bench._prompts);
        command.Options.Add(bench._repetitions);
        command.Options.Add(bench._json);
        bench._node.AddTo(command);
        command.SetAction(bench.RunAsync);
        return command;
    }

    private async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellation)
    {
        var assets = _model.Open(parsed, _stages, _clock);
        var plan = _stages.Plan(parsed, assets);
        var stages = _stages.Settings(parsed, plan.Stages.Count);
        var settings = new DecodeBenchSettings(
            Prompts(parsed, assets),
            _sampling.Settings(parsed, assets) with
            {
                IgnoreEndTokens = true,
                StopStrings = [],
            },
            parsed.GetValue(_repetitions) ?? 5
        );
        var reading = MeasureMemory(stages, plan.Stages.Count, assets);

        await using var pipeline = await InProcessPipeline.StartAsync(
            assets,
            plan,
            stages,
            _node.Settings(parsed),
            _clock
        );
        var result = await new DecodeBench(pipeline, assets, _clock).RunAsync(settings, cancellation);
        var report = new DecodeReport(result, Describe(assets, pipeline.Formed, settings), reading);
        if (parsed.GetValue(_json))
        {
            Console.WriteLine(report.ToJson());
        }
        else
        {
            report.Print(AnsiConsole.Console);
        }

        return result.HasPpsd && !result.IsTextIdentical ? 1 : 0;
    }

    private List<int[]> Prompts(ParseResult parsed, ModelAssets assets)
    {
        if (parsed.GetValue(_prompts) is { } file)
        {
            return PromptFile.Read(file, assets);
        }

        return [.. BuiltInQuestions.All.Select(question => assets.EncodeChat([new ChatMessage("user", question)]))];
    }

    /// <summary>Autoregressive decoding works at one stage at a time, so its threads are those of one stage.</summary>
    private static MemoryReading? MeasureMemory(StageSettings stages, int stageCount, ModelAssets assets)
    {
        if (stages.Devices.Any(device => device != "cpu"))
        {
            return null;
        }

        var whole = new StageRuntimeFactory(assets, stages).OptionsFor(new(0, assets.Config.LayerCount)) with
        {
            ExitHead = null,
            ExitHeadFolder = null,
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

    private static string Describe(ModelAssets assets, PipelineFormed formed, DecodeBenchSettings settings)
    {
        var sampling = settings.Generation.Sampling;
        var head = assets.ExitHead is { } exitHead
            ? $"{exitHead.Kind.ToString().ToLowerInvariant()} head after layer {exitHead.ExitLayer}"
            : "no exit head";
        return $"{assets.Name}, {formed.Stages.Length} stage{(formed.Stages.Length == 1 ? "" : "s")} of "
            + $"{string.Join(',', formed.Stages.Select(stage => stage.Description.LayerCount))} layers on "
            + $"{string.Join(" | ", formed.Stages.Select(stage => stage.Description.Device).Distinct())}; {head}; "
            + $"{(sampling.Temperature == 0 ? "greedy" : FormattableString.Invariant($"temperature {sampling.Temperature}, seed {sampling.Seed}"))}; "
            + $"{settings.Prompts.Count} prompts, {settings.Generation.MaxTokens} tokens each, "
            + $"width {settings.Generation.MaxWidth}, {settings.Repetitions} rounds; {Environment.ProcessorCount} cores";
    }
}
