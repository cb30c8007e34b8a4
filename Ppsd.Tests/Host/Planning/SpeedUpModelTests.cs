using Ppsd.Host.Planning;

namespace Ppsd.Tests.Host.Planning;

public sealed class SpeedUpModelTests
{
    /// <summary>The paper's own example: alpha 0.6, 32 layers, exit after 8.</summary>
    [TestCase(0.6, 4, 1.818)]
    [TestCase(0.8, 4, 2.5)]
    [TestCase(0.8, 8, 3.333)]
    [TestCase(1.0, 4, 4)]
    [TestCase(0.0, 4, 1)]
    [TestCase(0.7, 1, 1)]
    public void Equation_7_is_the_papers(double alpha, int stages, double expected) =>
        Assert.That(Model(alpha, [.. Enumerable.Repeat(1.0, stages)]).Equation7, Is.EqualTo(expected).Within(1e-3));

    [Test]
    public void With_equal_stages_and_no_overhead_all_three_agree()
    {
        var model = Model(0.8, [2, 2, 2, 2]);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(model.WithSlowestCycle, Is.EqualTo(model.Equation7).Within(1e-9));
            Assert.That(model.WithFreeCores, Is.EqualTo(model.Equation7).Within(1e-9));
        }
    }

    [Test]
    public void The_exit_head_lengthens_the_cycle_of_its_stage_only()
    {
        var model = Model(0.8, [2, 2, 2, 3]) with { ExitHeadMs = 0.5 };
        Assert.That(model.SlowestStageMs, Is.EqualTo(3));
        Assert.That((model with { ExitHeadMs = 2 }).SlowestStageMs, Is.EqualTo(4));
    }

    [Test]
    public void Hops_cost_autoregressive_decoding_and_rejections_but_not_confirmed_drafts()
    {
        var model = Model(0.5, [1, 1]) with { HandOverMs = 0.25 };

        using (Assert.EnterMultipleScope())
        {
            Assert.That(model.AutoregressiveMs, Is.EqualTo(2.5));
            Assert.That(model.FreeCoresMsPerToken, Is.EqualTo(0.5 * 1 + 0.5 * 2.5));
        }
    }

    /// <summary>Four stages of 2 ms and a head of 1: 9 ms of work a cycle, that one core must do, or two share.</summary>
    [TestCase(1, 9)]
    [TestCase(2, 4.5)]
    [TestCase(3, 3)]
    [TestCase(4, 3)]
    [TestCase(100, 3)]
    public void Stages_that_share_cores_make_a_cycle_as_long_as_their_work_takes(int parallelStages, double cycleMs)
    {
        var model = Model(0.5, [2, 2, 2, 2]) with { ExitHeadMs = 1 };

        Assert.That(model.MsPerTokenOn(parallelStages), Is.EqualTo(0.5 * cycleMs + 0.5 * 8).Within(1e-9));
        Assert.That(model.MsPerTokenOn(4), Is.EqualTo(model.FreeCoresMsPerToken).Within(1e-9));
    }

    /// <summary>
    /// Half of the tokens in micro-batches of their own, which go the whole way; the others two in each of what is left.
    /// </summary>
    [Test]
    public void Micro_batches_that_bring_several_tokens_share_a_cycle_and_rows_make_it_longer()
    {
        var model = Model(0.5, [1, 1, 1, 1]) with { StepsPerToken = 0.75, DraftedStageMs = [2, 1, 1, 1] };

        using (Assert.EnterMultipleScope())
        {
            Assert.That(model.BoundMsPerToken, Is.EqualTo(0.25 * 2 + 0.5 * 5));
            Assert.That(
                model.WithFreeCores,
                Is.EqualTo(4 / 3.0).Within(1e-9),
                "over plain decoding of single candidates"
            );
            Assert.That(model.Equation7, Is.NaN, "the paper has one candidate a cycle");
        }
    }

    private static SpeedUpModel Model(double alpha, double[] stageMs) =>
        new()
        {
            Alpha = alpha,
            StageMs = stageMs,
            HeadStage = 0,
            ExitHeadMs = 0,
            HandOverMs = 0,
        };
}
