namespace Ppsd.Tests.Host.Reliability.Network;

/// <summary>What links do with frames.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class LinkDirectionTests
{
    private const int Frames = 2000;

    [Test]
    public void A_good_link_passes_all_at_once_and_a_cut_one_none()
    {
        Assert.That(Arrivals(LinkRule.Good), Is.EqualTo(Sent()));
        Assert.That(Arrivals(LinkRule.Cut), Has.All.Null);
    }

    [Test]
    public void Frames_of_a_slow_link_keep_their_order()
    {
        var arrivals = Arrivals(Slow);
        Assert.That(arrivals, Is.Ordered);
        var delays = arrivals.Zip(Sent(), (arrival, sent) => arrival!.Value - sent).ToList();
        Assert.That(delays, Has.All.GreaterThanOrEqualTo(Slow.Delay).And.All.LessThan(Slow.Delay + Slow.Jitter));
    }

    [Test]
    public void Some_frames_are_lost_and_some_overtaken_by_those_behind_them()
    {
        var arrivals = Arrivals(Slow with { Loss = 0.1, Reorder = 0.1 });
        Assert.That(arrivals.Count(arrival => arrival is null), Is.EqualTo(Frames / 10).Within(Frames / 30));
        var arrived = arrivals.Where(arrival => arrival is not null).ToList();
        var overtaken = arrived.Zip(arrived.Skip(1)).Count(pair => pair.First > pair.Second);
        Assert.That(overtaken, Is.EqualTo(arrived.Count / 10).Within(Frames / 30));
    }

    [Test]
    public void A_seed_repeats_what_happened() =>
        Assert.That(
            Arrivals(Slow with { Loss = 0.1, Reorder = 0.1 }),
            Is.EqualTo(Arrivals(Slow with { Loss = 0.1, Reorder = 0.1 }))
        );

    private static LinkRule Slow { get; } =
        new() { Delay = TimeSpan.FromMilliseconds(20), Jitter = TimeSpan.FromMilliseconds(10) };

    private static List<TimeSpan> Sent() => [.. Enumerable.Range(0, Frames).Select(i => TimeSpan.FromMilliseconds(i))];

    private static List<TimeSpan?> Arrivals(LinkRule rule)
    {
        var link = new LinkDirection(new Random(1)) { Rule = rule };
        return [.. Sent().Select(link.ArrivalOf)];
    }
}
