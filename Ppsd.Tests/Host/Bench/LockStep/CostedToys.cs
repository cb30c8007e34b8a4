using Ppsd.Actors.Messages;
using Ppsd.Actors.Options;
using Ppsd.Actors.Speculation;
using Ppsd.Actors.Stages;
using Ppsd.Host.Bench.LockStep;
using Ppsd.Host.Bench.Replay;
using Ppsd.Tests.Support.Toys;

namespace Ppsd.Tests.Host.Bench.LockStep;

/// <summary>Pipelines of toys whose time is counted by costs as cards and processors have them.</summary>
internal static class CostedToys
{
    /// <summary>Milliseconds of a stage's step of one candidate.</summary>
    public const double StepMs = 4;

    /// <param name="row">What a further row costs, as a share of a step.</param>
    /// <param name="head">What the exit head and each step of its chain cost, as a share of a step; 0 for no head.</param>
    /// <param name="parallel">Stages that can work at the same time; null for all.</param>
    public static PipelineCosts Costs(int stages, double row, double head, int? parallel = null) =>
        new(
            [
                .. Enumerable
                    .Range(0, stages)
                    .Select(stage => new RowCosts(StepMs, row * StepMs)
                    {
                        Width = 8,
                        WideRowMs = Math.Max(row, 0.08) * StepMs,
                        EnterMs = stage == 0 ? head * StepMs / 2 : 0,
                        HeadMs = stage == 0 ? head * StepMs : 0,
                        ChainMs = stage == 0 ? head * StepMs : 0,
                        HeadRowMs = stage == 0 ? row * head * StepMs : 0,
                        ChainRowMs = stage == 0 ? row * head * StepMs : 0,
                    }),
            ],
            head > 0 ? 0 : -1,
            parallel ?? stages
        );

    /// <summary>A pipeline that takes that time.</summary>
    /// <param name="texts">The texts whose drafts are replayed; null where no exit head drafts.</param>
    public static LockStepPipeline Pipeline(ToyModel model, PipelineCosts costs, ReplayedTexts? texts)
    {
        return new LockStepPipeline(
            [.. costs.Stages.Select((_, stage) => Stage(stage))],
            new PipelineOptions { ParallelStages = costs.ParallelStages },
            costs
        )
        {
            Times = costs,
        };

        IStageRuntime Stage(int stage)
        {
            var toy = new ToyRuntime(
                model,
                stage,
                costs.Stages.Count,
                stage == 0 && texts is not null ? ToyDrafters.AlwaysWrong : null,
                pageCount: 20_000,
                maxRows: 64,
                draftDepth: 4,
                checksHead: true
            );
            return texts is null ? toy : new ReplayedRuntime(toy, texts);
        }
    }

    /// <summary>Milliseconds of texts with drafts and without them, all at the same time; fails where a token differs.</summary>
    /// <param name="requests">The texts, with drafts.</param>
    /// <param name="texts">Receives those whose drafts are replayed.</param>
    public static (double Drafted, double Plain, IReadOnlyList<LockStepText> Texts) Measure(
        LockStepPipeline pipeline,
        IReadOnlyList<StartSession> requests,
        ReplayedTexts? texts
    )
    {
        var started = pipeline.Now;
        var plain = pipeline.Decode([.. requests.Select(request => request with { Drafts = DraftSources.None })]);
        var plainMs = pipeline.Now - started;
        foreach (var (request, text) in requests.Zip(plain))
        {
            texts?.Note([.. request.Prompt.Select(token => token.Value)], text.TokenIds);
        }

        started = pipeline.Now;
        var drafted = pipeline.Decode(requests);
        Assert.That(drafted.Select(text => text.TokenIds), Is.EqualTo(plain.Select(text => text.TokenIds)));
        return (pipeline.Now - started, plainMs, drafted);
    }
}
