using Ppsd.Actors.Messages;

namespace Ppsd.Tests.Actors.Sessions;

/// <summary>Figures of sessions add up by source and step, past what one session could count.</summary>
public sealed class SourceTotalsTests
{
    [Test]
    public void Sessions_add_up_by_source_and_step()
    {
        var one = SourceTotals.Plus(
            [],
            [new(DraftSource.NGram, 0, 4, 1), new(DraftSource.ExitHead, 1, 5, 4), new(DraftSource.ExitHead, 0, 9, 8)]
        );
        var two = SourceTotals.Plus(one, [new(DraftSource.ExitHead, 1, 1, 0)]);

        Assert.That(
            two,
            Is.EqualTo(
                new SourceTotals[]
                {
                    new(DraftSource.ExitHead, 0, 9, 8),
                    new(DraftSource.ExitHead, 1, 6, 4),
                    new(DraftSource.NGram, 0, 4, 1),
                }
            )
        );
    }

    [Test]
    public void A_server_that_runs_for_months_counts_on()
    {
        var totals = SourceTotals.Plus(
            [new(DraftSource.ExitHead, 0, int.MaxValue, int.MaxValue)],
            [new(DraftSource.ExitHead, 0, 2, 1)]
        );

        Assert.That(totals, Is.EqualTo(new[] { new SourceTotals(DraftSource.ExitHead, 0, 2147483649, 2147483648) }));
    }
}
