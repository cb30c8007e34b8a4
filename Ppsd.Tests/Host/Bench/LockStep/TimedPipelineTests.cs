using Ppsd.Actors.Messages;
using Ppsd.Actors.Options;
using Ppsd.Actors.Speculation;
using Ppsd.Actors.Stages;
using Ppsd.Host.Bench.LockStep;
using Ppsd.Host.Bench.Replay;
using Ppsd.Tests.Support.Toys;

namespace Ppsd.Tests.Host.Bench.LockStep;

/// <summary>Time by measured costs: on toys it can be worked out by hand.</summary>
public sealed class TimedPipelineTests
{
    private const int Length = 41;

    /// <summary>Stages of 2, 3 and 4 ms; the exit head of stage 1 takes 1 ms, each further step of its chain half of that.</summary>
    private static readonly RowCosts[] _stages =
    [
        new(StepMs: 2, RowMs: 0) { HeadMs = 1, ChainMs = 0.5 },
        new(StepMs: 3, RowMs: 0),
        new(StepMs: 4, RowMs: 0),
    ];

    private readonly ToyModel _model = new(6);

    [TestCase(0, ExpectedResult = 9)]
    [TestCase(0.5, ExpectedResult = 10.5)]
    public double A_token_of_plain_decoding_takes_all_stages_and_all_hops(double hopMs) =>
        MsPerToken(Costs(_stages, hopMs: hopMs), DraftSources.None);

    [Test]
    public void A_confirmed_draft_takes_a_step_of_the_slowest_stage() =>
        Assert.That(MsPerToken(Costs(_stages), DraftSources.ExitHead), Is.EqualTo(4).Within(0.3));

    [Test]
    public void The_exit_head_counts_where_it_runs() =>
        Assert.That(
            MsPerToken(Costs([_stages[0] with { HeadMs = 5 }, .. _stages[1..]]), DraftSources.ExitHead),
            Is.EqualTo(7).Within(0.3)
        );

    [Test]
    public void Stages_that_share_a_processor_take_turns() =>
        Assert.That(MsPerToken(Costs(_stages, parallel: 1), DraftSources.ExitHead), Is.EqualTo(10).Within(0.5));

    [Test]
    public void A_chain_that_is_right_brings_several_tokens_for_its_steps_and_rows()
    {
        RowCosts[] stages = [_stages[0], _stages[1], _stages[2] with { RowMs = 0.1 }];

        // Four rows a step at stage 3, which takes 4.3 ms; stage 1 with its chain takes 2 + 1 + 3 * 0.5 = 4.5.
        Assert.That(
            MsPerToken(Costs(stages), DraftSources.ExitHead, width: 4, depth: 4),
            Is.EqualTo(4.5 / 4).Within(0.25)
        );
    }

    [Test]
    public void One_stage_takes_the_chain_behind_its_token_and_then_all_rows()
    {
        RowCosts[] stages =
        [
            new(StepMs: 2, RowMs: 0.1)
            {
                EnterMs = 0.2,
                HeadMs = 1,
                ChainMs = 0.5,
            },
        ];

        // Four steps of the chain, five rows of which only the caches of the head take note: 4 * 0.5 + 2 + 4 * 0.1 + 0.2.
        Assert.That(
            MsPerToken(Costs(stages, parallel: 1), DraftSources.ExitHead, width: 5, depth: 4),
            Is.EqualTo(4.6 / 5).Within(0.1)
        );
    }

    /// <summary>
    /// What plans and drafts are chosen by, against the pipeline itself: a mean against turns and waits. Where many drafts are wrong a
    /// pipeline does better, since the target's token brings a chain's drafts along.
    /// </summary>
    [Test]
    [Pairwise]
    public void The_costs_promise_what_a_pipeline_does(
        [Values(1, 2, 4)] int stages,
        [Values(1, 4)] int depth,
        [Values(0.6, 0.85, 0.95)] double acceptance,
        [Values(0, 0.5)] double hopMs
    )
    {
        var costs = CostedToys.Costs(stages, row: 0.02, head: 0.1) with { HopMs = hopMs };
        var texts = new ReplayedTexts(acceptance);
        using var pipeline = CostedToys.Pipeline(new ToyModel(50), costs, texts);
        var width = stages == 1 ? depth + 1 : depth;
        var request = ToyPipeline.Request([1, 2, 3], 400, DraftSources.ExitHead, maxWidth: width) with
        {
            ChainDepth = depth,
        };

        var (draftedMs, plainMs, drafted) = CostedToys.Measure(pipeline, [request], texts);

        var share = drafted[0].Stats.AcceptedDrafts / (double)drafted[0].Stats.VerifiedDrafts;
        using (Assert.EnterMultipleScope())
        {
            Assert.That(
                400 / plainMs,
                Is.EqualTo(costs.TokensPerMs(0, 1, stages, depth: 0, width: 1)).Within(2).Percent
            );
            Assert.That(
                400 / draftedMs / costs.TokensPerMs(share, 1, stages, depth, width),
                Is.InRange(0.8, acceptance < 0.8 && depth > 1 ? 1.5 : 1.2)
            );
        }
    }

    [Test]
    public void Sessions_share_the_time()
    {
        using var pipeline = Pipeline(Costs(_stages), depth: 1);
        var request = ToyPipeline.Request([1, 2, 3], Length, DraftSources.None);

        var texts = pipeline.Decode([request, request, request]);

        // Three sessions fill three stages: each gets a token every three cycles of 4 ms.
        Assert.That(texts.Select(text => text.Time / (Length - 1)), Is.All.EqualTo(12).Within(0.5));
    }

    private double MsPerToken(PipelineCosts costs, DraftSources drafts, int width = 1, int depth = 1)
    {
        using var pipeline = Pipeline(costs, depth);
        var request = ToyPipeline.Request([1, 2, 3], Length, drafts, maxWidth: width);
        var text = pipeline.Decode(request);
        var expected = _model.Generate(request.Prompt, Length, SamplingSettings.Greedy);
        Assert.That(text.TokenIds, Is.EqualTo(expected.Select(token => token.Value)));
        return text.Time / (Length - 1);
    }

    private LockStepPipeline Pipeline(PipelineCosts costs, int depth) =>
        new(
            [
                .. costs.Stages.Select(
                    (_, stage) =>
                        (IStageRuntime)
                            new ToyRuntime(
                                _model,
                                stage,
                                costs.Stages.Count,
                                stage == 0 ? ToyDrafters.AlwaysRight : null,
                                draftDepth: depth
                            )
                ),
            ],
            new PipelineOptions(),
            costs
        )
        {
            Times = costs,
        };

    private static PipelineCosts Costs(IReadOnlyList<RowCosts> stages, double hopMs = 0, int parallel = 3) =>
        new(stages, HeadStage: 0, parallel, hopMs);
}
