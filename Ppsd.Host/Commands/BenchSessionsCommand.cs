using System.CommandLine;
using Ppsd.Host.Bench;
using Ppsd.Host.Generation;
using Ppsd.Host.Models;
using Ppsd.Host.Pipelines;
using Spectre.Console;

namespace Ppsd.Host.Commands;

/// <summary><c>ppsd bench sessions</c>: one session against many on the same pipeline.</summary>
internal sealed class BenchSessionsCommand
{
    private readonly TimeProvider _clock;
    private readonly ModelOptions _model = new();
    private readonly StageOptions _stages = new();
    private readonly SamplingOptions _sampling = new();
    private readonly NodeOptions _node = new();
    private readonly BenchPromptOptions _prompts = new();

    private readonly Option<int[]?> _concurrency = OptionFactory.Counts(
        "--concurrency",
        "N,N,…",
        "Sessions at a time, a row each; 1,4,16 by default."
    );

    private readonly Option<int?> _repetitions = OptionFactory.Number(
        "--repetitions",
        "N",
        "Rounds of each; 3 by default.",
        1,
        1000
    );

    private BenchSessionsCommand(TimeProvider clock) => _clock = clock;

    /// <summary>The command.</summary>
    public static Command Create(TimeProvider clock)
    {
        var bench = new BenchSessionsCommand(clock);
        var command = new Command("sessions", "Decodes the same texts with one and with many sessions at a time.");
        bench._model.AddTo(command);
        bench._sampling.AddTo(command);
        bench._stages.AddTo(command);
        bench._prompts.AddTo(command);
        command.Options.Add(bench._concurrency);
        command.Options.Add(bench._repetitions);
        bench._node.AddTo(command);
        command.SetAction(bench.RunAsync);
        return command;
    }

    private async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellation)
    {
        var assets = _model.Open(parsed, _stages, _clock);
        var plan = _stages.Plan(parsed, assets);
        var stages = _stages.Settings(parsed, plan.Stages.Count);
        var concurrencies = parsed.GetValue(_concurrency) is { Length: > 0 } chosen ? chosen : [1, 4, 16];
        var given = _prompts.Read(parsed, assets);

        // At least one text for each session, so that all run at once.
        var prompts = Enumerable
            .Range(0, Math.Max(given.Count, concurrencies.Max()))
            .Select(i => given[i % given.Count])
            .ToList();
        var settings = _sampling.Settings(parsed, assets) with { IgnoreEndTokens = true, StopStrings = [] };
        await using var pipeline = await InProcessPipeline.StartAsync(
            assets,
            plan,
            stages,
            _node.Settings(parsed),
            _clock
        );
        var rounds = await new SessionsBench(pipeline, assets, _clock).RunAsync(
            prompts,
            settings,
            concurrencies,
            parsed.GetValue(_repetitions) ?? 3,
            cancellation
        );
        var report = new SessionsReport(rounds, Describe(assets, pipeline, settings, prompts.Count));
        report.Print(AnsiConsole.Console);
        return report.IsTextIdentical ? 0 : 1;
    }

    private static string Describe(
        ModelAssets assets,
        InProcessPipeline pipeline,
        GenerationSettings settings,
        int textCount
    ) =>
        $"{BenchSetting.Describe(assets, pipeline.Formed, settings)}; {textCount} texts of {settings.MaxTokens} tokens; "
        + $"{Environment.ProcessorCount} cores";
}
