using Ppsd.Actors.Client;
using Ppsd.Actors.Messages;
using static Ppsd.Tests.Actors.Speculation.ScriptedSession;

namespace Ppsd.Tests.Actors.Client;

/// <summary>A text whose gateway is lost, held by a client that has no tokenizer.</summary>
public sealed class HeldTextTests
{
    private static readonly TextTerms _terms = new(MaxTokens: 9, "cpu");

    [Test]
    public void The_next_gateway_is_told_the_tokens_and_what_the_text_began_with()
    {
        var held = new HeldText(Request());
        held.Take(new TextAccepted("toy"));
        held.Take(new TextEmitted(0, "ab", null, Tokens(4, 5), _terms));
        held.Take(new TextEmitted(1, "c", null, Tokens(6)));

        Assert.That(held.TryGoOn(maxResumes: 3));
        Assert.That(held.Request.From!.Tokens, Is.EqualTo(Tokens(4, 5, 6)));
        Assert.That(held.Request.From!.Terms, Is.EqualTo(_terms));
    }

    [Test]
    public void Its_reader_sees_one_text_with_one_beginning_and_one_end()
    {
        var held = new HeldText(Request());
        Assert.That(held.Take(new TextAccepted("toy")), Is.Not.Null);
        held.Take(new TextEmitted(0, "ab", null, Tokens(4, 5), _terms));
        held.TryGoOn(maxResumes: 3);
        Assert.That(held.IsResuming);

        Assert.That(held.Take(new TextAccepted("toy")), Is.Null);
        Assert.That(((TextEmitted)held.Take(new TextEmitted(0, "c", null, Tokens(6)))!).Index, Is.EqualTo(1));
        var stats = new HeldGeneration(Ppsd.Tests.Support.Toys.ToyPipeline.Request([1], 4), 0).UnknownStats();
        var ended = (TextEnded)
            held.Take(new TextEnded(FinishReason.Stop, stats with { Resumes = 1 }, SegmentCount: 1))!;
        using (Assert.EnterMultipleScope())
        {
            Assert.That(ended.SegmentCount, Is.EqualTo(2));
            Assert.That((ended.Stats.Resumes, ended.Stats.ReplayedTokens), Is.EqualTo((2, 2)));
            Assert.That(held.IsComplete);
        }
    }

    [Test]
    public void It_goes_on_no_more_often_than_it_may_and_not_where_it_must_not()
    {
        var held = new HeldText(Request());
        Assert.That(held.TryGoOn(maxResumes: 1));
        Assert.That(held.Request.From, Is.Null, "nobody has read anything of it: it begins anew");
        Assert.That(held.TryGoOn(maxResumes: 1), Is.False);
        Assert.That(new HeldText(Request(seed: null)).TryGoOn(maxResumes: 1), Is.False, "another seed, another text");
        Assert.That(new HeldText(Request(resumes: false)).TryGoOn(maxResumes: 1), Is.False);
    }

    private static StartText Request(ulong? seed = 7, bool resumes = true) =>
        new()
        {
            Prompt = "1",
            Settings = new TextSettings { Seed = seed, Resumes = resumes },
            Window = 4,
        };
}
