using Ppsd.Host.Bench;
using Ppsd.Tests.Support;

namespace Ppsd.Tests.Host.Bench;

[Parallelizable(ParallelScope.All)]
public sealed class WarmUpTests
{
    [TestCase(new[] { 500, 200, 49, 10 }, 3)]
    [TestCase(new[] { 49 }, 1)]
    public async Task A_warm_up_ends_with_the_first_round_that_has_hardly_anything_compiled(
        int[] compiledMs,
        int expectedRounds
    ) => Assert.That(await RoundsAsync(round => compiledMs[round]), Is.EqualTo(expectedRounds));

    [Test]
    public async Task A_warm_up_ends_although_the_runtime_never_stops_compiling() =>
        Assert.That(await RoundsAsync(_ => 500), Is.EqualTo(WarmUp.MaxRounds));

    /// <summary>Rounds of a warm-up whose rounds take a second each, of which so much is compilation.</summary>
    private static Task<int> RoundsAsync(Func<int, int> compiledMs)
    {
        var clock = new ManualClock();
        var compiled = TimeSpan.Zero;
        var round = 0;
        return new WarmUp(clock, () => compiled).RunAsync(() =>
        {
            clock.Advance(1_000_000);
            compiled += TimeSpan.FromMilliseconds(compiledMs(round++));
            return Task.CompletedTask;
        });
    }
}
