using System.CommandLine;
using Ppsd.Host.Bench;
using Ppsd.Host.Bench.Replay;
using Ppsd.Host.Bench.Sessions;
using Ppsd.Host.Generation;
using Ppsd.Host.Models;
using Ppsd.Host.Pipelines;

namespace Ppsd.Host.Commands;

/// <summary><c>ppsd bench sessions</c>: one session against many on the same pipeline.</summary>
internal sealed class BenchSessionsCommand : PpsdCommand
{
    private readonly ModelOptions _model = new(calibrates: true);
    private readonly StageOptions _stages = new();
    private readonly SamplingOptions _sampling = new();
    private readonly NodeOptions _node = new(hasLinkDelay: true);
    private readonly BenchPromptOptions _prompts = new();
    private readonly DraftReplayOptions _replay = new();

    private readonly Option<bool> _compare = OptionFactory.Switch(
        "--compare-plain",
        "Decodes each round without drafts too, and prints the ratio."
    );

    private readonly ReportOptions _report = new();

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

    public BenchSessionsCommand(TimeProvider clock)
        : base("sessions", "Decodes the same texts with one and with many sessions at a time.", clock)
    {
        Add(_model);
        Add(_sampling);
        Add(_stages);
        Add(_prompts);
        Add(_concurrency);
        Add(_repetitions);
        Add(_replay);
        Add(_compare);
        Add(_report);
        Add(_node);
    }

    protected override async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellation)
    {
        var assets = _model.Open(parsed, _stages, Clock);
        var plan = _stages.Plan(parsed, assets);
        var stages = _stages.Settings(parsed, plan.Stages.Count);
        var concurrencies = parsed.GetValue(_concurrency) is { Length: > 0 } chosen ? chosen : [1, 4, 16];
        var settings = _sampling.Settings(parsed, assets) with { IgnoreEndTokens = true, StopStrings = [] };
        assets = _model.Calibrate(parsed, assets, stages, settings.Sampling, Console.Error.WriteLine);
        var given = _prompts.Read(parsed, assets);

        // At least one text for each session, so that all run at once.
        var prompts = Enumerable
            .Range(0, Math.Max(given.Count, concurrencies.Max()))
            .Select(i => given[i % given.Count])
            .ToList();
        var replay = _replay.Read(parsed, assets);
        await using var pipeline = await InProcessPipeline.StartAsync(
            assets,
            plan,
            stages,
            _node.Settings(parsed),
            Clock,
            replay is null ? null : runtime => new ReplayedRuntime(runtime, replay)
        );
        var rounds = await new SessionsBench(pipeline, assets, Clock, replay).RunAsync(
            prompts,
            settings,
            concurrencies,
            parsed.GetValue(_repetitions) ?? 3,
            parsed.GetValue(_compare),
            cancellation
        );
        var report = new SessionsReport(rounds, Describe(assets, pipeline, settings, prompts.Count, replay));
        _report.Print(parsed, report.Create());
        return report.IsTextIdentical ? 0 : 1;
    }

    private static string Describe(
        ModelAssets assets,
        InProcessPipeline pipeline,
        GenerationSettings settings,
        int textCount,
        ReplayedTexts? replay
    ) =>
        $"{BenchSetting.Describe(assets, pipeline.Formed, settings)}; {textCount} texts of {settings.MaxTokens} tokens; "
        + DraftReplayOptions.Describe(replay)
        + $"{Environment.ProcessorCount} cores";
}
