using Ppsd.Actors.Ids;
using Ppsd.Actors.Messages;
using static Ppsd.Tests.Actors.Speculation.ScriptedSession;

namespace Ppsd.Tests.Actors.Speculation;

/// <summary>How a session ends, and how it goes on after a loss.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class DecodeSessionEndTests
{
    [Test]
    public void An_end_token_ends_the_session_and_what_is_in_flight_counts_as_cancelled()
    {
        var session = Session(prompt: [1], ends: [9]);
        session.NextPart(8, mayDraft: true);
        Draft(session, parent: 0, 9);
        session.NextPart(8, mayDraft: true);
        Draft(session, parent: 1, 3);
        session.NextPart(8, mayDraft: true);

        var outcome = session.Apply(new RunId(0), Ids(0, 1), Tokens(9, 3));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(outcome.Finish, Is.EqualTo(FinishReason.Stop));
            Assert.That(outcome.Emitted, Is.EqualTo(Tokens(9)), "nothing is emitted after the end");
            Assert.That(session.Tally.Cancelled, Is.EqualTo(1));
            Assert.That(session.HasVerifiedToken || session.HasDraftWork, Is.False);
        }
    }

    [Test]
    public void The_token_limit_ends_the_session()
    {
        var session = Session(prompt: [1], maxTokens: 2);
        session.NextPart(8, mayDraft: true);
        session.Apply(new RunId(0), Ids(0), Tokens(4));
        session.NextPart(8, mayDraft: true);

        Assert.That(session.Apply(new RunId(0), Ids(1), Tokens(5)).Finish, Is.EqualTo(FinishReason.Length));
    }

    [Test]
    public void A_verdict_out_of_turn_is_a_gap_and_a_restart_enters_the_last_verified_token_again()
    {
        var session = Session(prompt: [1]);
        session.NextPart(8, mayDraft: true);
        Draft(session, parent: 0, 7);
        session.NextPart(8, mayDraft: true);
        Draft(session, parent: 1, 8);
        session.NextPart(8, mayDraft: true);
        session.Apply(new RunId(0), Ids(0), Tokens(7));

        var outcome = session.Apply(new RunId(0), Ids(2), Tokens(3));
        Assert.That(outcome.HasGap, Is.True);
        Assert.That(outcome.Emitted, Is.Empty);
        session.Restart();

        var next = session.NextPart(8, mayDraft: true);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(Tokens(next), Is.EqualTo(new[] { 7 }));
            Assert.That(next.Base, Is.EqualTo(new VerifiedPath(new CandidateId(0), 1)));
            Assert.That(next.Run, Is.EqualTo(new RunId(1)));
            Assert.That(session.Tally.Restarts, Is.EqualTo(1));
        }
    }

    [Test]
    public void A_restart_before_the_first_verdict_enters_the_prompt_again()
    {
        var session = Session(prompt: [1, 2, 3], chunk: 2);
        session.NextPart(8, mayDraft: true);
        session.NextPart(8, mayDraft: true);
        session.Restart();

        var next = session.NextPart(8, mayDraft: true);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(Tokens(next), Is.EqualTo(new[] { 1, 2 }));
            Assert.That(next.Settings, Is.Not.Null, "a stage may never have seen the first chunk");
            Assert.That(next.Parents[0], Is.EqualTo(CandidateId.Root));
        }
    }

    [Test]
    public void A_look_ahead_knows_that_a_waiting_verdict_will_kill_the_run()
    {
        var session = Session(prompt: [1], ends: [9]);
        session.NextPart(8, mayDraft: true);
        Assert.That(session.WillDie(new RunId(0), Ids(0), Tokens(5)), Is.False, "nothing follows the head yet");
        Draft(session, parent: 0, 7);
        session.NextPart(8, mayDraft: true);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(session.WillDie(new RunId(0), Ids(0), Tokens(5)), Is.True);
            Assert.That(session.WillDie(new RunId(0), Ids(0), Tokens(7)), Is.False);
            Assert.That(session.WillDie(new RunId(0), Ids(0), Tokens(9)), Is.True, "the end of the text");
            Assert.That(session.WillDie(new RunId(1), Ids(0), Tokens(5)), Is.False);
            Assert.That(session.WillDie(new RunId(0), Ids(1), Tokens(5)), Is.False);
        }
    }

    /// <summary>A session that only waits for its turn must not be taken for one whose messages were lost.</summary>
    [Test]
    public void Silence_means_a_loss_from_a_sessions_first_entry_to_its_end()
    {
        var session = Session(prompt: [1, 2, 3], chunk: 3, maxTokens: 2);
        var hasEntered = new List<bool> { session.HasEntered };
        session.NextPart(8, mayDraft: true);
        hasEntered.Add(session.HasEntered);
        session.Apply(session.Run, Ids(2), Tokens(5));
        Assert.That(session.HasVerifiedToken);
        hasEntered.Add(session.HasEntered);
        session.NextPart(8, mayDraft: true);
        session.Apply(session.Run, Ids(3), Tokens(6));
        hasEntered.Add(session.HasEntered);

        Assert.That(hasEntered, Is.EqualTo(new[] { false, true, true, false }));
    }

    [Test]
    public void Drafts_that_the_token_limit_leaves_no_use_for_never_enter()
    {
        var session = Session(prompt: [1], maxTokens: 3);
        session.NextPart(8, mayDraft: true);
        Draft(session, parent: 0, 7);
        session.NextPart(8, mayDraft: true);
        Draft(session, parent: 1, 8);
        session.NextPart(8, mayDraft: true);

        Draft(session, parent: 2, 9);
        Assert.That(session.HasDraftWork, Is.False, "the verdict on the second draft is the third token and the last");

        session.Apply(new RunId(0), Ids(0), Tokens(7));
        session.Apply(new RunId(0), Ids(1), Tokens(8));
        var last = session.Apply(new RunId(0), Ids(2), Tokens(6));
        Assert.That(last.Finish, Is.EqualTo(FinishReason.Length));
    }
}
