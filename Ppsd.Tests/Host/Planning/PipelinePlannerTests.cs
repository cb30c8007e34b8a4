using Ppsd.Actors.Messages;
using Ppsd.Actors.Speculation;
using Ppsd.Host.Planning;

namespace Ppsd.Tests.Host.Planning;

public sealed class PipelinePlannerTests
{
    private static readonly AlphaCurve _alpha = AlphaCurve.Parse("0.8");

    [Test]
    public void Stage_1_gets_fewer_layers_because_it_carries_the_exit_head()
    {
        // A transformer head of one layer and an LM head worth half of one.
        var plan = Plan(16, Equal(4, layerMs: 1, targetHeadMs: 0.5), headMs: 1.5);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(plan.Stages.ToString(), Is.EqualTo("3,5,4,4"));
            Assert.That(plan.Times.SlowestStageMs, Is.EqualTo(5));
        }
    }

    [Test]
    public void The_last_stage_gets_fewer_layers_when_its_LM_head_is_heavy()
    {
        var plan = Plan(16, Equal(4, layerMs: 1, targetHeadMs: 3), headMs: 3);

        Assert.That(plan.Stages.ToString(), Is.EqualTo("3,5,5,3").Or.EqualTo("2,6,6,2"));
        Assert.That(plan.Times.SlowestStageMs, Is.EqualTo(6));
    }

    [Test]
    public void No_cut_is_better_than_the_planned_one()
    {
        StageCosts[] stages = [new(1, 0.1, 2), new(1.5, 0.1, 2), new(0.7, 0.2, 2)];
        ExitHeadCosts[] heads = [.. Enumerable.Range(1, 8).Select(layer => new ExitHeadCosts(layer, 0.9))];
        var curve = AlphaCurve.Parse("1:0.3,8:0.9");

        var plan = PipelinePlanner.Plan(10, stages, 0.2, heads, curve);

        var best = double.PositiveInfinity;
        for (var first = 1; first <= 8; first++)
        {
            for (var second = 1; first + second <= 9; second++)
            {
                var times = new SpeedUpModel
                {
                    Alpha = curve.At(first),
                    StageMs = [0.1 + first, 0.1 + 1.5 * second, 0.2 + 0.7 * (10 - first - second) + 2],
                    HeadStage = 0,
                    ExitHeadMs = 0.9,
                    HandOverMs = 0.2,
                };
                best = Math.Min(best, times.FreeCoresMsPerToken);
            }
        }

        Assert.That(plan.MsPerToken, Is.EqualTo(best).Within(1e-9));
    }

    [Test]
    public void A_later_exit_is_worth_it_only_when_alpha_rises_enough()
    {
        var steep = Plan(16, Equal(4, 1, 0.5), 0.5, AlphaCurve.Parse("2:0.05,4:0.9"));
        var flat = Plan(16, Equal(2, 1, 0.5), 0.5, AlphaCurve.Parse("0.8"));

        Assert.That(steep.ExitHead!.ExitLayer, Is.EqualTo(4));
        Assert.That(flat.ExitHead!.ExitLayer, Is.EqualTo(8));
    }

    [Test]
    public void Only_heads_that_exist_are_chosen()
    {
        var plan = PipelinePlanner.Plan(16, Equal(4, 1, 0), 0, [new(3, 1), new(6, 1)], _alpha);
        Assert.That(plan.ExitHead!.ExitLayer, Is.EqualTo(3));
        Assert.That(plan.Stages.Stages[0].Count, Is.EqualTo(3));
    }

    [Test]
    public void An_early_exit_layer_leaves_stage_1_room_for_more_layers()
    {
        // Cut at the exit layer, two stages of 4 and 12 would take turns at the pace of the 12.
        var plan = PipelinePlanner.Plan(16, Equal(2, 1, 0), 0, [new(4, 2)], _alpha);
        Assert.That(plan.Stages.ToString(), Is.EqualTo("7,9"));
    }

    [Test]
    public void Stages_that_share_cores_promise_no_more_than_the_cores_can_do()
    {
        ExitHeadCosts[] heads = [new(4, 1)];
        var free = PipelinePlanner.Plan(16, Equal(4, 1, 0), 0, heads, _alpha);
        var shared = PipelinePlanner.Plan(16, Equal(4, 1, 0), 0, heads, _alpha, parallelStages: 2);

        Assert.That(free.MsPerToken, Is.EqualTo(0.8 * 5 + 0.2 * 16).Within(1e-9));
        Assert.That(shared.MsPerToken, Is.EqualTo(0.8 * 17 / 2 + 0.2 * 16).Within(1e-9));
    }

    [Test]
    public void Stage_1_gets_fewer_layers_still_where_it_runs_the_steps_of_a_chain()
    {
        var chain = Chain(stepMs: 1, rowMs: 0.01);
        var oneAhead = PipelinePlanner.Plan(32, Equal(4, 1, 0), 0, [.. Layers(32, chain with { Depth = 1 })], _alpha);
        var plan = PipelinePlanner.Plan(32, Equal(4, 1, 0), 0, [.. Layers(32, chain)], _alpha);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(oneAhead.Stages.Stages[0].Count, Is.EqualTo(7));
            Assert.That(plan.Chain!.Depth, Is.GreaterThan(1));
            Assert.That(plan.Stages.Stages[0].Count, Is.LessThan(7));
            Assert.That(plan.MsPerToken, Is.LessThan(oneAhead.MsPerToken));
            Assert.That(plan.Chain.Width, Is.EqualTo(plan.Chain.Depth));
        }
    }

    [Test]
    public void A_chain_drafts_one_token_ahead_where_rows_are_as_dear_as_steps()
    {
        var stages = Equal(4, 1, 0).Select(stage => stage with { LayerRowMs = 1 });
        var plan = PipelinePlanner.Plan(16, [.. stages], 0, [.. Layers(16, Chain(1, 1))], _alpha);

        Assert.That(plan.Chain!.Depth, Is.EqualTo(1));
    }

    [TestCase(0.05, true)]
    [TestCase(1, false)]
    public void A_single_stage_drafts_with_a_chain_where_rows_are_cheap(double layerRowMs, bool drafts)
    {
        var stages = Equal(1, 1, 0).Select(stage => stage with { LayerRowMs = layerRowMs });
        var plan = PipelinePlanner.Plan(
            16,
            [.. stages],
            0,
            [Chain(stepMs: 1, rowMs: 0.01) with { ExitLayer = 8 }],
            _alpha
        );

        using (Assert.EnterMultipleScope())
        {
            Assert.That(plan.ExitHead, drafts ? Is.Not.Null : Is.Null);
            Assert.That(plan.MsPerToken, drafts ? Is.LessThan(16 / 1.5) : Is.EqualTo(16));
            Assert.That(plan.Stages.ToString(), Is.EqualTo("16"));
        }
    }

    /// <summary>Every cut and depth by hand: the plan's is the best of them.</summary>
    [Test]
    public void No_cut_and_no_depth_is_better_than_the_planned_ones_of_a_chain()
    {
        StageCosts[] stages =
        [
            .. Equal(3, 1, 2).Select(stage => stage with { LayerRowMs = 0.1, TargetHeadRowMs = 0.2 }),
        ];
        var head = Chain(stepMs: 0.7, rowMs: 0.1);

        var plan = PipelinePlanner.Plan(10, stages, 0.2, [.. Layers(10, head)], _alpha);

        var best = double.PositiveInfinity;
        for (var first = 1; first <= 8; first++)
        {
            for (var second = 1; first + second <= 9; second++)
            {
                RowCosts[] rows =
                [
                    head.On(stages[0].Of(first, isLast: false)),
                    stages[1].Of(second, isLast: false),
                    stages[2].Of(10 - first - second, isLast: true),
                ];
                var costs = new PipelineCosts(rows, HeadStage: 0, ParallelStages: 3, HopMs: 0.2);
                for (var depth = 1; depth <= head.Depth; depth++)
                {
                    best = Math.Min(best, 1 / costs.TokensPerMs(0.8, sessions: 1, microBatches: 3, depth, depth));
                }
            }
        }

        Assert.That(plan.MsPerToken, Is.EqualTo(best).Within(1e-9));
    }

    [Test]
    public void Without_a_head_the_stages_are_cut_for_autoregressive_decoding()
    {
        var plan = PipelinePlanner.Plan(8, Equal(2, 1, 0), 0.5, [], _alpha);
        Assert.That(plan.ExitHead, Is.Null);
        Assert.That(plan.MsPerToken, Is.EqualTo(8 + 2 * 0.5));
    }

    [Test]
    public void What_cannot_be_cut_is_refused()
    {
        Assert.That(
            () => PipelinePlanner.Plan(3, Equal(4, 1, 0), 0, [], _alpha),
            Throws.ArgumentException.With.Message.Contains("stages: expected 1 to 3")
        );
        Assert.That(
            () => PipelinePlanner.Plan(8, Equal(4, 1, 0), 0, [new(6, 1)], _alpha),
            Throws.ArgumentException.With.Message.Contains("exit layer").And.Message.Contains("found 6")
        );
    }

    [TestCase("0.8", 5, 0.8)]
    [TestCase("4:0.6,8:0.8", 2, 0.6)]
    [TestCase("4:0.6,8:0.8", 6, 0.7)]
    [TestCase("4:0.6,8:0.8", 12, 0.8)]
    public void An_alpha_curve_is_straight_between_its_points_and_level_beyond(
        string text,
        int layer,
        double expected
    ) => Assert.That(AlphaCurve.Parse(text).At(layer), Is.EqualTo(expected).Within(1e-9));

    [TestCase("")]
    [TestCase("1.5")]
    [TestCase("-0.1")]
    [TestCase("x:0.5")]
    [TestCase("0.8,0.9")]
    [TestCase("4:0.5,4:0.6")]
    public void What_is_no_alpha_curve_is_refused(string text) =>
        Assert.That(
            () => AlphaCurve.Parse(text),
            Throws.InstanceOf<FormatException>().With.Message.Contains($"'{text}'")
        );

    /// <summary>A chain of four steps.</summary>
    private static ExitHeadCosts Chain(double stepMs, double rowMs) =>
        new(1, stepMs)
        {
            Depth = 4,
            Rows = new RowCosts
            {
                EnterMs = stepMs / 2,
                HeadRowMs = rowMs,
                ChainMs = stepMs,
                ChainRowMs = rowMs,
            },
        };

    private static IEnumerable<ExitHeadCosts> Layers(int count, ExitHeadCosts head) =>
        Enumerable.Range(1, count).Select(layer => head with { ExitLayer = layer });

    private static StageCosts[] Equal(int count, double layerMs, double targetHeadMs) =>
        [.. Enumerable.Repeat(new StageCosts(layerMs, 0, targetHeadMs), count)];

    private static PlannedPipeline Plan(int layers, StageCosts[] stages, double headMs, AlphaCurve? alpha = null) =>
        PipelinePlanner.Plan(
            layers,
            stages,
            0,
            [.. Enumerable.Range(1, layers).Select(layer => new ExitHeadCosts(layer, headMs))],
            alpha ?? _alpha
        );
}
