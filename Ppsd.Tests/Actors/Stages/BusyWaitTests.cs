using Ppsd.Actors.Options;
using Ppsd.Actors.Stages;
using Ppsd.Tests.Support;

namespace Ppsd.Tests.Actors.Stages;

public sealed class BusyWaitTests
{
    private readonly ManualClock _clock = new();
    private int _looks;

    [SetUp]
    public void CountFromZero() => _looks = 0;

    [Test]
    public void It_looks_until_a_message_is_there()
    {
        var wait = new BusyWait(_clock, TimeSpan.FromMilliseconds(50));
        wait.NoteWork();
        wait.Look(() => Look(microseconds: 10, arrivesAfter: 3));

        Assert.That(_looks, Is.EqualTo(3));
    }

    [Test]
    public void It_gives_up_when_its_patience_ends_and_sleeps_until_there_was_work_again()
    {
        var wait = new BusyWait(_clock, TimeSpan.FromMilliseconds(50));
        wait.NoteWork();
        wait.Look(() => Look(microseconds: 10_000, arrivesAfter: int.MaxValue));
        Assert.That(_looks, Is.EqualTo(5));

        wait.Look(() => Look(microseconds: 10_000, arrivesAfter: int.MaxValue));
        Assert.That(_looks, Is.EqualTo(5));

        wait.NoteWork();
        wait.Look(() => Look(microseconds: 10_000, arrivesAfter: int.MaxValue));
        Assert.That(_looks, Is.EqualTo(10));
    }

    [Test]
    public void Patience_counts_from_the_work_and_not_from_each_message()
    {
        var wait = new BusyWait(_clock, TimeSpan.FromMilliseconds(50));
        wait.NoteWork();
        wait.Look(() => Look(microseconds: 20_000, arrivesAfter: 2));
        wait.Look(() => Look(microseconds: 20_000, arrivesAfter: int.MaxValue));

        Assert.That(_looks, Is.EqualTo(3));
    }

    [Test]
    public void Without_patience_or_work_it_never_looks()
    {
        var off = new BusyWait(_clock, TimeSpan.Zero);
        off.NoteWork();
        off.Look(() => Look(microseconds: 10, arrivesAfter: 1));
        new BusyWait(_clock, TimeSpan.FromMilliseconds(50)).Look(() => Look(microseconds: 10, arrivesAfter: 1));

        Assert.That(_looks, Is.Zero);
    }

    [TestCase(4, 8, 50)]
    [TestCase(4, 7, 0)]
    [TestCase(1, 2, 50)]
    public void It_takes_two_processors_a_stage(int stages, int processors, int expectedMs) =>
        Assert.That(
            new PipelineOptions().BusyWaitOf(stages, processors),
            Is.EqualTo(TimeSpan.FromMilliseconds(expectedMs))
        );

    private bool Look(long microseconds, int arrivesAfter)
    {
        _clock.Advance(microseconds);
        return ++_looks >= arrivesAfter;
    }
}
