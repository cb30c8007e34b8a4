using Ppsd.Actors.Ids;
using Ppsd.Actors.Messages;
using Ppsd.Actors.Sessions;
using Ppsd.Tests.Actors.Stages;

namespace Ppsd.Tests.Actors.Sessions;

[Parallelizable(ParallelScope.All)]
public sealed class TokenOutboxTests
{
    [Test]
    public void Tokens_leave_in_order_as_far_as_there_is_leave()
    {
        var outbox = new TokenOutbox(TestBatches.Session(1), window: 3);
        Add(outbox, 0, 1);
        Assert.That(Next(outbox), Is.EqualTo((0, 2)));
        Add(outbox, 2, 3, 4);
        Assert.That(Next(outbox), Is.EqualTo((2, 1)));
        Assert.That(Next(outbox), Is.Null);
        Assert.That(outbox.IsEmpty, Is.False);

        outbox.NoteRead(2);
        var last = outbox.TakeNext()!;
        using (Assert.EnterMultipleScope())
        {
            Assert.That(last.FirstIndex, Is.EqualTo(3));
            Assert.That(last.Tokens, Is.EqualTo(new[] { new TokenId(3), new TokenId(4) }));
            Assert.That(last.Logprobs!.Select(logprobs => logprobs.Chosen), Is.EqualTo(new[] { -3f, -4f }));
            Assert.That(outbox.IsEmpty);
        }
    }

    [Test]
    public void Credit_beyond_what_is_owed_gains_nothing()
    {
        var outbox = new TokenOutbox(TestBatches.Session(1), window: 2);
        outbox.NoteRead(int.MaxValue);
        outbox.NoteRead(-5);
        Add(outbox, 0, 1, 2, 3);
        Assert.That(Next(outbox), Is.EqualTo((0, 2)));
        outbox.NoteRead(int.MaxValue);
        outbox.NoteRead(int.MinValue);
        Add(outbox, 4, 5);
        Assert.That(Next(outbox), Is.EqualTo((2, 2)));
        Assert.That(Next(outbox), Is.Null);
    }

    [Test]
    public void Without_a_window_nothing_waits()
    {
        var outbox = new TokenOutbox(TestBatches.Session(1), window: 0);
        Add(outbox, [.. Enumerable.Range(0, 1000)]);
        Assert.That(Next(outbox), Is.EqualTo((0, 1000)));
    }

    private static void Add(TokenOutbox outbox, params int[] tokens) =>
        outbox.Add(
            [.. tokens.Select(token => new TokenId(token))],
            [.. tokens.Select(token => new TokenLogprobs(-token, []))]
        );

    private static (int FirstIndex, int Count)? Next(TokenOutbox outbox) =>
        outbox.TakeNext() is { } next ? (next.FirstIndex, next.Tokens.Length) : null;
}
