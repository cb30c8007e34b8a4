using System.CommandLine;
using Ppsd.Actors.Messages;
using Ppsd.Actors.Options;
using Ppsd.Actors.Planning;
using Ppsd.Actors.Speculation;
using Ppsd.Host.Bench;
using Ppsd.Host.Bench.LockStep;
using Ppsd.Host.Bench.Replay;
using Ppsd.Host.Generation;
using Ppsd.Host.Models;
using Ppsd.Host.Runtime;

namespace Ppsd.Host.Commands;

/// <summary><c>ppsd bench drafts</c>: cycles that drafts save, counted in lock-step and without a clock.</summary>
internal sealed class BenchDraftsCommand : PpsdCommand
{
    private readonly ModelOptions _model = new();
    private readonly StageOptions _stages = new();
    private readonly SamplingOptions _sampling = new();
    private readonly BenchPromptOptions _prompts = new();
    private readonly DraftReplayOptions _replay = new();
    private readonly ReportOptions _report = new();

    private readonly Option<string?> _costs = OptionFactory.Text(
        "--costs",
        "PLAN",
        "Plan written by ppsd plan: drafts are chosen by its measured costs, and tokens per second are predicted by them."
    );

    private readonly Option<int?> _concurrency = OptionFactory.Number(
        "--concurrency",
        "N",
        "Texts decoded at a time; 1 by default.",
        1,
        1024
    );

    private readonly Option<bool> _givenAnswers = OptionFactory.Switch(
        "--given-answers",
        "Takes the answer of each line of --prompts for the model's text, whatever the model would write: for texts that a small model cannot."
    );

    public BenchDraftsCommand(TimeProvider clock)
        : base("drafts", "Counts the cycles that drafts save: the real model in lock-step, without a clock.", clock)
    {
        Add(_model);
        Add(_sampling);
        Add(_stages);
        Add(_prompts);
        Add(_replay);
        Add(_givenAnswers);
        Add(_costs);
        Add(_concurrency);
        Add(_report);
    }

    protected override Task<int> RunAsync(ParseResult parsed, CancellationToken cancellation)
    {
        var assets = _model.Open(parsed, _stages, Clock);
        var plan = _stages.Plan(parsed, assets);
        var costs = Costs(parsed, assets, plan);
        var settings = _stages.Settings(parsed, plan.Stages.Count);
        var generation = _sampling.Settings(parsed, assets);
        if (generation.Drafts == DraftSources.None)
        {
            throw new UserErrorException("--drafts: expected at least one source to count, found none");
        }

        var replay = _replay.Read(parsed, assets);
        var given = parsed.GetValue(_givenAnswers)
            ? GivenTexts.Of(_prompts.ReadAnswered(parsed, assets, _givenAnswers.Name))
            : null;
        if (given is not null && replay is not null)
        {
            throw new UserErrorException($"{_givenAnswers.Name}: cannot be given with --draft-acceptance");
        }

        List<BenchText> texts = given is null
            ? _prompts.Read(parsed, assets).ConvertAll(prompt => new BenchText(prompt))
            : given.Texts.ConvertAll(text => new BenchText(text.Prompt, text.Answer.Length));
        var runtimes = LockStepRuntimes.Load(
            new StageRuntimeFactory(assets, settings),
            plan,
            runtime =>
                replay is not null ? new ReplayedRuntime(runtime, replay)
                : given is not null ? new GivenTextRuntime(runtime, given.Known)
                : runtime
        );
        using var pipeline = new LockStepPipeline(
            runtimes,
            new PipelineOptions { ParallelStages = costs?.ParallelStages ?? 0 },
            costs
        );
        var concurrency = parsed.GetValue(_concurrency) ?? 1;
        var result = new DraftsBench(pipeline, assets, replay).Run(texts, generation, concurrency, costs, cancellation);
        _report.Print(
            parsed,
            DraftsReport.Create(result, Describe(assets, result, generation, replay, given, concurrency))
        );
        return Task.FromResult(result.IsTextIdentical ? 0 : 1);
    }

    /// <summary>The costs of the plan that --costs names; null without it.</summary>
    /// <exception cref="UserErrorException">It is no plan for this pipeline, or has no costs.</exception>
    private PipelineCosts? Costs(ParseResult parsed, ModelAssets assets, StagePlan plan)
    {
        if (parsed.GetValue(_costs) is not { } path)
        {
            return null;
        }

        var file = PlanFile.Read(path, _costs.Name);
        file.RequireFits(assets.Fingerprint, _costs.Name);
        var cut = plan.Stages.Select(stage => stage.Count);
        if (!cut.SequenceEqual(file.StageLayers))
        {
            throw new UserErrorException(
                $"--costs: expected a plan of {string.Join(',', cut)} layers, found one of {string.Join(',', file.StageLayers)}"
            );
        }

        return file.Costs?.ToPipeline(assets.ExitHead is not null)
            ?? throw new UserErrorException(
                $"--costs: expected what rows and chains cost in {path}, found none: an older version wrote it; plan anew"
            );
    }

    private static string Describe(
        ModelAssets assets,
        DraftsBenchResult result,
        GenerationSettings generation,
        ReplayedTexts? replay,
        GivenTexts? given,
        int concurrency
    ) =>
        $"{BenchSetting.Describe(assets, result.Formed, generation)}; drafts {DraftNames.Of(generation.Drafts)}, "
        + $"{(generation.MaxWidth > 0 ? $"at most {generation.MaxWidth} rows" : "rows as many as pay")}{(generation.ChainDepth > 0 ? $", chains of {generation.ChainDepth}" : "")}; "
        + DraftReplayOptions.Describe(replay)
        + $"{result.Drafted.Count} {(given is null ? $"texts of up to {generation.MaxTokens} tokens" : "given texts")}{(concurrency > 1 ? $", {concurrency} at a time" : "")}; "
        + (result.Predicted is null ? "every row and head free" : "drafts chosen by the plan's costs");
}
