using Ppsd.Actors.Ids;
using Ppsd.Actors.Messages;
using Ppsd.Actors.Speculation;
using Ppsd.Actors.Stages;
using static Ppsd.Tests.Actors.Stages.TestBatches;

namespace Ppsd.Tests.Actors.Stages;

public sealed class WorkQueueTests
{
    [Test]
    public void Work_for_verified_tokens_goes_before_speculation()
    {
        var queue = new WorkQueue();
        var draft = Item(1, 1);
        var certain = Item(2, 1, isCertain: true);
        queue.Add(draft);
        queue.Add(certain);

        Assert.That(
            new[] { queue.TakeNext(), queue.TakeNext(), queue.TakeNext() },
            Is.EqualTo(new[] { certain, draft, null })
        );
    }

    [Test]
    public void A_session_keeps_its_order_even_when_a_later_item_is_certain()
    {
        var queue = new WorkQueue();
        var draft = Item(1, 1);
        var certain = Item(1, 2, isCertain: true);
        queue.Add(draft);
        queue.Add(certain);

        Assert.That(queue.TakeNext(), Is.SameAs(draft));
    }

    [Test]
    public void A_shared_micro_batch_keeps_the_order_of_each_of_its_sessions()
    {
        var queue = new WorkQueue();
        var draft = Item(1, Part(1, 1));
        var shared = Item(2, Part(1, 2), Part(2, 1, isCertain: true));
        var other = Item(3, Part(3, 1, isCertain: true));
        queue.Add(draft);
        queue.Add(shared);
        queue.Add(other);

        Assert.That(
            new[] { queue.TakeNext(), queue.TakeNext(), queue.TakeNext() },
            Is.EqualTo(new[] { other, draft, shared })
        );
    }

    [Test]
    public void Dead_runs_leave_the_queue()
    {
        var board = new CancelBoard();
        var queue = new WorkQueue();
        queue.Add(Item(1, 1, run: 0));
        queue.Add(Item(1, 2, run: 1));
        queue.Add(Item(2, 1, run: 0));
        board.Raise(new Cancel(Session(1), new RunId(1), []));

        Assert.That(queue.DropDead(board), Is.EqualTo(1));
        Assert.That(queue.Count, Is.EqualTo(2));
    }
}
