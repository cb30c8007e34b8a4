using Ppsd.Actors.Ids;
using Ppsd.Actors.Messages;
using Ppsd.Actors.Speculation;
using Ppsd.Actors.Stages;
using static Ppsd.Tests.Actors.Stages.TestBatches;

namespace Ppsd.Tests.Actors.Stages;

[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
public sealed class CreditWindowTests
{
    /// <summary>Steps of 2 ms: a round trip of 20 ms holds ten of them.</summary>
    [TestCase(1, ExpectedResult = 3)]
    [TestCase(20, ExpectedResult = 10)]
    [TestCase(4000, ExpectedResult = 64)]
    public int Over_a_slow_link_as_many_are_on_their_way_as_fill_a_round_trip(double roundTripMs)
    {
        var window = new CreditWindow(3) { StepMs = 2 };
        var board = new CancelBoard();
        var number = 0;
        Add();
        window.TakeNext(board, nowMs: 100);
        window.Return(new BatchNumber(0), nowMs: 100 + roundTripMs);

        var sent = 0;
        for (; sent < 100; sent++)
        {
            Add();
            if (window.TakeNext(board, nowMs: 200) is null)
            {
                break;
            }
        }

        return sent;

        void Add() => window.Add(Item(number++, Part(1, 1)));
    }

    private readonly CancelBoard _board = new();

    [Test]
    public void No_more_than_the_window_is_in_flight()
    {
        var window = Filled(count: 3, size: 2);

        Assert.That(window.TakeNext(_board), Is.Not.Null);
        Assert.That(window.TakeNext(_board), Is.Not.Null);
        Assert.That(window.TakeNext(_board), Is.Null);

        window.Return(CreditOf(Item(1, 1)));
        Assert.That(window.TakeNext(_board), Is.Not.Null);
    }

    [Test]
    public void A_credit_counts_once()
    {
        var window = Filled(count: 4, size: 2);
        window.TakeNext(_board);
        window.TakeNext(_board);

        window.Return(CreditOf(Item(1, 1)));
        window.Return(CreditOf(Item(1, 1)));
        window.TakeNext(_board);

        Assert.That(window.TakeNext(_board), Is.Null);
    }

    [Test]
    public void A_micro_batch_keeps_its_place_while_a_part_of_it_lives()
    {
        var window = new CreditWindow(1);
        window.Add(Item(1, Part(1, 1), Part(2, 1)));
        window.Add(Item(3, 2));
        window.TakeNext(_board);

        _board.StartRun(Session(1), new RunId(1));
        Assert.That(window.TakeNext(_board), Is.Null);

        _board.StartRun(Session(2), new RunId(1));
        Assert.That(
            window.TakeNext(_board),
            Is.Not.Null,
            "a credit lost with a dead micro-batch is not missed for ever"
        );
    }

    [Test]
    public void A_cancel_frees_the_places_of_the_dead_and_drops_what_waits()
    {
        var window = Filled(count: 3, size: 1);
        window.TakeNext(_board);
        _board.Raise(new Cancel(Session(1), new RunId(1), []));

        window.DropDead(_board);

        Assert.That((window.InFlightCount, window.WaitingCount), Is.EqualTo((0, 0)));
    }

    private static CreditWindow Filled(int count, int size)
    {
        var window = new CreditWindow(size);
        for (var id = 1; id <= count; id++)
        {
            window.Add(Item(1, id));
        }

        return window;
    }

    private static BatchNumber CreditOf(WorkItem item) => item.Batch.Number;
}
