using Ppsd.Actors.Ids;
using Ppsd.Actors.Messages;
using Ppsd.Actors.Speculation;
using Ppsd.Actors.Stages;
using static Ppsd.Tests.Actors.Stages.TestBatches;

namespace Ppsd.Tests.Actors.Stages;

public sealed class CreditWindowTests
{
    [Test]
    public void No_more_than_the_window_is_in_flight()
    {
        var window = Filled(count: 3, size: 2);

        Assert.That(window.TakeNext(), Is.Not.Null);
        Assert.That(window.TakeNext(), Is.Not.Null);
        Assert.That(window.TakeNext(), Is.Null);

        window.Return(CreditOf(Item(1, 1)));
        Assert.That(window.TakeNext(), Is.Not.Null);
    }

    [Test]
    public void A_credit_counts_once()
    {
        var window = Filled(count: 4, size: 2);
        window.TakeNext();
        window.TakeNext();

        window.Return(CreditOf(Item(1, 1)));
        window.Return(CreditOf(Item(1, 1)));
        window.TakeNext();

        Assert.That(window.TakeNext(), Is.Null);
    }

    [Test]
    public void A_micro_batch_keeps_its_place_while_a_part_of_it_lives()
    {
        var board = new CancelBoard();
        var window = new CreditWindow(1);
        window.Add(Item(1, Part(1, 1), Part(2, 1)));
        window.Add(Item(3, 2));
        window.TakeNext();

        board.StartRun(Session(1), new RunId(1));
        window.DropDead(board);
        Assert.That(window.TakeNext(), Is.Null);

        board.StartRun(Session(2), new RunId(1));
        window.DropDead(board);
        Assert.That(window.TakeNext(), Is.Not.Null, "a credit lost with a dead micro-batch is not missed for ever");
    }

    [Test]
    public void A_cancel_frees_the_places_of_the_dead_and_drops_what_waits()
    {
        var board = new CancelBoard();
        var window = Filled(count: 3, size: 1);
        window.TakeNext();
        board.Raise(new Cancel(Session(1), new RunId(1), []));

        window.DropDead(board);

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
