using Ppsd.Host.Terminal;
using Ppsd.Tests.Support;

namespace Ppsd.Tests.Host.Terminal;

[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
public sealed class HashingViewTests
{
    private const long Gigabyte = 1_000_000_000;

    private readonly ManualClock _clock = new();

    [Test]
    public void What_takes_no_moment_is_not_told()
    {
        using var error = new StringWriter();
        using (var view = new HashingView(2 * Gigabyte, error, isTerminal: true, _clock))
        {
            _clock.Advance(900_000);
            view.Report(2 * Gigabyte);
        }

        Assert.That(error.ToString(), Is.Empty);
    }

    [Test]
    public void A_terminal_shows_a_line_that_counts_up_and_goes_away()
    {
        using var error = new StringWriter();
        using (var view = new HashingView(3 * Gigabyte, error, isTerminal: true, _clock))
        {
            for (var i = 1; i <= 3; i++)
            {
                _clock.Advance(1_000_000);
                view.Report(i * Gigabyte);
                view.Report(i * Gigabyte);
            }
        }

        var lines = error.ToString().Split("\r\u001b[K");
        Assert.That(
            lines,
            Is.EqualTo(
                new[]
                {
                    "",
                    "hashing weights: 1.0 of 3.0 GB",
                    "hashing weights: 2.0 of 3.0 GB",
                    "hashing weights: 3.0 of 3.0 GB",
                    "",
                }
            )
        );
    }

    [Test]
    public void A_log_gets_one_line()
    {
        using var error = new StringWriter();
        using (var view = new HashingView(3 * Gigabyte, error, isTerminal: false, _clock))
        {
            for (var i = 1; i <= 3; i++)
            {
                _clock.Advance(1_000_000);
                view.Report(i * Gigabyte);
            }
        }

        Assert.That(error.ToString(), Does.StartWith("hashing weights: 3.0 GB; ").And.EndsWith("\n"));
        Assert.That(error.ToString().Split('\n'), Has.Length.EqualTo(2));
    }
}
