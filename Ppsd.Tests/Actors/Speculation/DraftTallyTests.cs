using Ppsd.Actors.Speculation;

namespace Ppsd.Tests.Actors.Speculation;

[Parallelizable(ParallelScope.All)]
public sealed class DraftTallyTests
{
    [Test]
    public void The_histogram_has_every_run_under_the_drafts_it_accepted()
    {
        var tally = new DraftTally();
        Assert.That(tally.AcceptanceHistogram(), Is.EqualTo(new[] { 1 }), "the living run counts");

        Run(tally, accepted: 2);
        tally.Reject();
        Run(tally, accepted: 0);
        tally.Reject();
        Run(tally, accepted: 2);
        tally.Restart();
        Run(tally, accepted: 1);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(tally.AcceptanceHistogram(), Is.EqualTo(new[] { 1, 1, 2 }));
            Assert.That((tally.Verified, tally.Accepted), Is.EqualTo((7, 5)));
            Assert.That((tally.Rollbacks, tally.Restarts), Is.EqualTo((2, 1)));
        }

        Run(tally, accepted: 3);
        Assert.That(tally.AcceptanceHistogram(), Is.EqualTo(new[] { 1, 0, 2, 0, 1 }), "the living run grew");
    }

    private static void Run(DraftTally tally, int accepted)
    {
        for (var i = 0; i < accepted; i++)
        {
            tally.Judge(isConfirmed: true);
        }

        if (accepted < 2)
        {
            tally.Judge(isConfirmed: false);
        }
    }
}
