using Ppsd.Actors.Client;
using Ppsd.Actors.Ids;
using Ppsd.Actors.Messages;
using Ppsd.Tests.Actors.Stages;
using Ppsd.Tests.Support.Toys;
using static Ppsd.Tests.Actors.Speculation.ScriptedSession;

namespace Ppsd.Tests.Actors.Client;

/// <summary>What is asked for when a pipeline has died, from where, and how often.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class HeldGenerationTests
{
    private static readonly SessionId _first = TestBatches.Session(1);
    private static readonly SessionId _second = TestBatches.Session(2);

    [Test]
    public void What_goes_on_has_the_prompt_the_tokens_and_all_that_the_text_depends_on()
    {
        var held = Begun(Request(maxTokens: 10) with { MayShorten = true });
        held.TryTake(new TokensEmitted(_first, 0, Tokens(4, 5)));
        held.TryTake(new TokensEmitted(_first, 2, Tokens(6)));

        Assert.That(held.Lose(isStopped: false), Is.EqualTo(new AfterLoss(CanResume: true, End: null)));
        using (Assert.EnterMultipleScope())
        {
            Assert.That(held.Request.Prompt, Is.EqualTo(Tokens(1, 2)));
            Assert.That(held.Request.Generated, Is.EqualTo(Tokens(4, 5, 6)));
            Assert.That((held.Request.Attempt, held.Request.Earlier), Is.EqualTo((1, _first)));
            Assert.That((held.Request.MaxTokens, held.Request.MayShorten), Is.EqualTo((7, false)), "as it began");
            Assert.That(held.Request.Arithmetic, Is.EqualTo("cpu"));
            Assert.That(held.Session, Is.Null);
        }
    }

    [Test]
    public void A_session_of_another_attempt_and_a_second_one_of_the_same_are_not_taken()
    {
        var held = Begun(Request());
        Assert.That(held.TryBegin(new SessionStarted(_first)), "told again");
        Assert.That(held.TryBegin(new SessionStarted(_second)), Is.False);
        held.Lose(isStopped: false);

        Assert.That(held.TryBegin(new SessionStarted(_first)), Is.False, "a stage that hung answers late");
        Assert.That(held.TryBegin(new SessionStarted(_second, Attempt: 1)));
        Assert.That(held.Session, Is.EqualTo(_second));
    }

    [Test]
    public void A_hole_and_a_repeat_are_not_taken()
    {
        var held = Begun(Request());
        held.TryTake(new TokensEmitted(_first, 0, Tokens(4)));

        Assert.That(held.TryTake(new TokensEmitted(_first, 2, Tokens(6))), Is.False);
        Assert.That(held.TryTake(new TokensEmitted(_first, 0, Tokens(4))), Is.False);
        Assert.That(held.Received, Is.EqualTo(1));
    }

    [TestCase(new[] { 4, 9 }, false, FinishReason.Stop, TestName = "A_text_whose_end_token_came_has_ended")]
    [TestCase(
        new[] { 4, 5, 6, 7, 8 },
        false,
        FinishReason.Length,
        TestName = "A_text_that_reached_its_limit_has_ended"
    )]
    [TestCase(new[] { 4 }, true, FinishReason.Cancelled, TestName = "A_text_nobody_wants_more_of_has_ended")]
    public void Ends(int[] tokens, bool isStopped, FinishReason expected)
    {
        var held = Begun(Request(maxTokens: 5, endTokens: 9), maxTokens: 0);
        held.TryTake(new TokensEmitted(_first, 0, Tokens(tokens)));

        Assert.That(held.Lose(isStopped), Is.EqualTo(new AfterLoss(CanResume: false, expected)));
        Assert.That(held.UnknownStats().GeneratedTokens, Is.EqualTo(tokens.Length));
    }

    [Test]
    public void Each_resume_counts_and_what_is_replayed_adds_up_until_there_were_too_many()
    {
        var held = Begun(Request(maxTokens: 9), maxResumes: 2, maxTokens: 0);
        held.TryTake(new TokensEmitted(_first, 0, Tokens(4, 5)));
        Assert.That(held.Lose(isStopped: false).CanResume);
        held.TryBegin(new SessionStarted(_second, Attempt: 1));
        held.TryTake(new TokensEmitted(_second, 2, Tokens(6)));
        Assert.That(held.Lose(isStopped: false).CanResume);
        var stats = held.Complete(held.UnknownStats(), TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(2));

        using (Assert.EnterMultipleScope())
        {
            Assert.That((stats.Resumes, stats.ReplayedTokens), Is.EqualTo((2, 2 + 3)));
            Assert.That((stats.TimeToFirstTokenMs, stats.DecodeMs), Is.EqualTo((1000.0, 2000.0)));
            Assert.That(held.Lose(isStopped: false), Is.EqualTo(new AfterLoss(CanResume: false, End: null)));
        }
    }

    /// <summary>What stages keep is known by the last session that entered, also where a later attempt never got one.</summary>
    [Test]
    public void An_attempt_that_got_no_session_leaves_the_earlier_one_known()
    {
        var held = Begun(Request());
        held.TryTake(new TokensEmitted(_first, 0, Tokens(4)));
        held.Lose(isStopped: false);
        held.Lose(isStopped: false);

        Assert.That((held.Request.Attempt, held.Request.Earlier), Is.EqualTo((2, _first)));
    }

    [Test]
    public void Without_resumes_a_lost_session_is_a_lost_text_as_ever()
    {
        var held = Begun(Request(maxTokens: 1), maxResumes: 0, maxTokens: 0);
        held.TryTake(new TokensEmitted(_first, 0, Tokens(4)));
        Assert.That(held.Lose(isStopped: false), Is.EqualTo(new AfterLoss(CanResume: false, End: null)));
    }

    private static HeldGeneration Begun(StartSession request, int maxResumes = 3, int maxTokens = 7)
    {
        var held = new HeldGeneration(request, maxResumes);
        Assert.That(held.TryBegin(new SessionStarted(_first, Attempt: 0, maxTokens, "cpu")));
        return held;
    }

    private static StartSession Request(int maxTokens = 10, params int[] endTokens) =>
        ToyPipeline.Request([1, 2], maxTokens, endTokens: endTokens);
}
