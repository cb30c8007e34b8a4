using Ppsd.Actors.Messages;
using Ppsd.Actors.Speculation;

namespace Ppsd.Tests.Actors.Speculation;

/// <summary>Claims are worth what such claims were worth lately.</summary>
public sealed class DraftCalibrationTests
{
    private static readonly DraftClaim _sure = new(DraftSource.ExitHead, Step: 0, Probability: 0.9);

    [Test]
    public void A_source_is_trusted_until_it_has_been_judged() =>
        Assert.That(new DraftCalibration().ChanceOf(_sure), Is.EqualTo(0.9).Within(1e-12));

    [Test]
    public void A_source_that_is_too_sure_is_believed_less_and_the_order_of_its_claims_stays()
    {
        var calibration = new DraftCalibration();
        Judge(calibration, _sure, right: 1, wrong: 1);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(calibration.ChanceOf(_sure), Is.EqualTo(0.5).Within(0.05));
            Assert.That(
                calibration.ChanceOf(_sure with { Probability = 0.85 }),
                Is.LessThan(calibration.ChanceOf(_sure))
            );
        }
    }

    [Test]
    public void Sources_steps_and_degrees_of_certainty_are_judged_apart()
    {
        var calibration = new DraftCalibration();
        Judge(calibration, _sure, right: 0, wrong: 1);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(calibration.ChanceOf(_sure), Is.LessThan(0.1));
            Assert.That(calibration.ChanceOf(_sure with { Step = 1 }), Is.EqualTo(0.9).Within(1e-12));
            Assert.That(calibration.ChanceOf(_sure with { Probability = 0.4 }), Is.EqualTo(0.4).Within(1e-12));
            Assert.That(calibration.ChanceOf(_sure with { Source = DraftSource.NGram }), Is.EqualTo(0.9).Within(1e-12));
        }
    }

    [Test]
    public void What_was_long_ago_is_forgotten()
    {
        var calibration = new DraftCalibration();
        Judge(calibration, _sure, right: 0, wrong: 1);
        Judge(calibration, _sure, right: 1, wrong: 0);

        Assert.That(calibration.ChanceOf(_sure), Is.GreaterThan(0.85));
    }

    private static void Judge(DraftCalibration calibration, DraftClaim claim, int right, int wrong)
    {
        for (var i = 0; i < 1200; i++)
        {
            calibration.Note(claim, isRight: i % (right + wrong) < right);
        }
    }
}
