using System.CommandLine;
using Ppsd.Actors.Messages;
using Ppsd.Actors.Options;
using Ppsd.Actors.Stages;
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

    public BenchDraftsCommand(TimeProvider clock)
        : base("drafts", "Counts the cycles that drafts save: the real model in lock-step, without a clock.", clock)
    {
        Add(_model);
        Add(_sampling);
        Add(_stages);
        Add(_prompts);
        Add(_replay);
        Add(_report);
    }

    protected override Task<int> RunAsync(ParseResult parsed, CancellationToken cancellation)
    {
        var assets = _model.Open(parsed, _stages, Clock);
        var plan = _stages.Plan(parsed, assets);
        var settings = _stages.Settings(parsed, plan.Stages.Count);
        var generation = _sampling.Settings(parsed, assets);
        if (generation.Drafts == DraftSources.None)
        {
            throw new UserErrorException("--drafts: expected at least one source to count, found none");
        }

        var replay = _replay.Read(parsed, assets);
        var factory = new StageRuntimeFactory(assets, settings);
        var runtimes = new List<IStageRuntime>();
        try
        {
            for (var stage = 0; stage < plan.Stages.Count; stage++)
            {
                var runtime = factory.Load(plan.Stages[stage], stage);
                runtimes.Add(replay is null ? runtime : new ReplayedRuntime(runtime, replay));
            }
        }
        catch
        {
            runtimes.ForEach(runtime => runtime.Dispose());
            throw;
        }

        using var pipeline = new LockStepPipeline(runtimes, new PipelineOptions());
        var drafted = new List<LockStepText>();
        var plain = new List<LockStepText>();
        foreach (var prompt in _prompts.Read(parsed, assets))
        {
            plain.Add(Decode(generation with { Drafts = DraftSources.None, MaxWidth = 1 }));
            replay?.Note(prompt, plain[^1].TokenIds);
            drafted.Add(Decode(generation));

            LockStepText Decode(GenerationSettings how)
            {
                cancellation.ThrowIfCancellationRequested();
                try
                {
                    return pipeline.Decode(TextGenerator.Request(assets, prompt, how));
                }
                catch (InvalidOperationException e)
                {
                    throw new UserErrorException(e.Message, e);
                }
            }
        }

        var result = new DraftsBenchResult(pipeline.Formed, drafted, plain);
        _report.Print(
            parsed,
            DraftsReport.Create(result, Describe(assets, pipeline.Formed, generation, drafted.Count, replay))
        );
        return Task.FromResult(result.IsTextIdentical ? 0 : 1);
    }

    private static string Describe(
        ModelAssets assets,
        PipelineFormed formed,
        GenerationSettings generation,
        int texts,
        ReplayedTexts? replay
    ) =>
        $"{BenchSetting.Describe(assets, formed, generation)}; drafts {DraftNames.Of(generation.Drafts)}, "
        + $"{(generation.MaxWidth > 0 ? $"at most {generation.MaxWidth} rows" : "rows as many as pay")}{(generation.ChainDepth > 0 ? $", chains of {generation.ChainDepth}" : "")}; "
        + DraftReplayOptions.Describe(replay)
        + $"{texts} texts of up to {generation.MaxTokens} tokens; every row and head free";
}
