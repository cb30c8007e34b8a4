using Ppsd.Actors.Messages;
using Ppsd.Host.Generation;
using Ppsd.Tests.Support;

namespace Ppsd.Tests.Host.Generation;

/// <summary>Whether one stage is worth a word beside a text that several stages decoded.</summary>
public sealed class OneStageEstimateTests
{
    // Two steps of a millisecond: 500 tokens/s on one thread, 700 on two.
    [TestCase(2, 1, 2, 600, 700)]
    [TestCase(2, 1, 2, 800, null, Description = "not clearly faster")]
    [TestCase(2, 1, 2, 1200, null)]
    [TestCase(2, 2, 2, 400, 500, Description = "stages have all threads already")]
    [TestCase(4, 1, 64, 600, 1000, Description = "four steps, and threads that share a memory")]
    [TestCase(1, 1, 2, 100, null, Description = "it is one stage")]
    public void One_stage_is_named_where_measured_steps_say_that_it_is_clearly_faster(
        int stages,
        int threadsEach,
        int cores,
        double speed,
        double? expected
    )
    {
        var costs = Enumerable.Repeat(new RowCosts(StepMs: 1, RowMs: 1), stages).ToList();

        var estimate = OneStageEstimate.FasterThan(Stats(tokens: 17, speed), costs, threadsEach, cores);
        Assert.That(estimate is { } found ? Math.Round(found, 6) : (double?)null, Is.EqualTo(expected));
    }

    [Test]
    public void A_short_text_and_steps_that_nobody_measured_say_nothing()
    {
        RowCosts[] measured = [new(1, 1), new(1, 1)];
        RowCosts[] unmeasured = [new(1, 1), default];

        using (Assert.EnterMultipleScope())
        {
            Assert.That(OneStageEstimate.FasterThan(Stats(tokens: 15, 10), measured, 1, 2), Is.Null);
            Assert.That(OneStageEstimate.FasterThan(Stats(tokens: 17, 10), unmeasured, 1, 2), Is.Null);
        }
    }

    private static SessionStats Stats(int tokens, double tokensPerSecond) =>
        MadeStats.Of(tokens, tokensPerSecond, DraftSources.ExitHead, stageCount: 2);
}
