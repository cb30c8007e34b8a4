using System.Runtime.InteropServices;
using Ppsd.Actors.Messages;
using Ppsd.Actors.Speculation;
using Ppsd.Actors.Stages;
using Ppsd.Tests.Actors.Stages;

namespace Ppsd.Tests.Actors.Messages;

/// <summary>Memory that was given back too early, or twice, would put one session's hidden states into another's text.</summary>
public sealed class HiddenStatesTests
{
    // Large enough that no other test's arrays come from the same place.
    private const int Length = 3 << 20;

    [Test]
    public void Released_memory_is_used_again()
    {
        var first = HiddenStates.Rent(Length);
        var array = ArrayOf(first);
        first.Release();

        Assert.That(ArrayOf(HiddenStates.Rent(Length)), Is.SameAs(array));
    }

    [Test]
    public void A_second_release_gives_nothing_back()
    {
        var released = HiddenStates.Rent(Length);
        released.Release();
        var second = HiddenStates.Rent(Length);
        released.Release();

        Assert.That(ArrayOf(HiddenStates.Rent(Length)), Is.Not.SameAs(ArrayOf(second)));
    }

    [Test]
    public void Who_reads_them_after_their_release_fails()
    {
        var hidden = HiddenStates.Rent(16);
        hidden.Release();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(() => hidden.Memory, Throws.InstanceOf<ObjectDisposedException>());
            Assert.That(() => hidden.Target.Length, Throws.InstanceOf<ObjectDisposedException>());
        }
    }

    [Test]
    public void Memory_of_the_callers_stays_the_callers()
    {
        var bytes = new byte[Length];
        var hidden = HiddenStates.Keep(bytes);
        hidden.Release();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(hidden.Memory.Length, Is.EqualTo(Length));
            Assert.That(ArrayOf(HiddenStates.Rent(Length)), Is.Not.SameAs(bytes));
        }
    }

    [Test]
    public void Work_that_dies_in_a_queue_gives_its_memory_back()
    {
        var queue = new WorkQueue();
        var dead = TestBatches.Item(1, 1, run: 0) with { Hidden = HiddenStates.Rent(8) };
        var living = TestBatches.Item(1, 2, run: 1) with { Hidden = HiddenStates.Rent(8) };
        queue.Add(dead);
        queue.Add(living);
        var board = new CancelBoard();
        board.Raise(new Cancel(TestBatches.Session(1), living.Batch.Parts[0].Run, []));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(queue.DropDead(board), Is.EqualTo(1));
            Assert.That(() => dead.Hidden.Memory, Throws.InstanceOf<ObjectDisposedException>());
            Assert.That(living.Hidden.Memory.Length, Is.EqualTo(8));
        }
    }

    private static byte[] ArrayOf(HiddenStates hidden)
    {
        Assert.That(MemoryMarshal.TryGetArray(hidden.Memory, out var segment), Is.True);
        return segment.Array!;
    }
}
