using Ppsd.Actors.Ids;
using Ppsd.Actors.Messages;
using static Ppsd.Tests.Actors.Speculation.ScriptedSession;

namespace Ppsd.Tests.Actors.Speculation;

/// <summary>PPSD by hand: each test plays stage 1 and the last stage against one session.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class DecodeSessionTests
{
    [Test]
    public void A_prompt_enters_in_chunks_and_only_its_last_token_wants_a_verdict()
    {
        var session = Session(prompt: [1, 2, 3, 4, 5], chunk: 2);

        var chunks = new[]
        {
            session.NextPart(8, mayDraft: true),
            session.NextPart(8, mayDraft: true),
            session.NextPart(8, mayDraft: true),
        };

        using (Assert.EnterMultipleScope())
        {
            Assert.That(chunks.Select(Tokens), Is.EqualTo(new int[][] { [1, 2], [3, 4], [5] }));
            Assert.That(chunks.Select(chunk => chunk.FirstHeadRow), Is.EqualTo(new[] { 2, 2, 0 }));
            Assert.That(chunks.Select(chunk => chunk.CertainCount), Is.EqualTo(new[] { 2, 2, 1 }));
            Assert.That(chunks[0].Parents, Is.EqualTo(Ids(-1, 0)));
            Assert.That(chunks[1].Parents, Is.EqualTo(Ids(1, 2)));
            Assert.That(chunks[0].Settings, Is.Not.Null);
            Assert.That(chunks[1].Settings, Is.Null);
            Assert.That(session.HasVerifiedToken, Is.False);
        }
    }

    [Test]
    public void A_confirmed_draft_becomes_the_head_and_nothing_waits()
    {
        var session = Session(prompt: [1]);
        session.NextPart(8, mayDraft: true);
        Draft(session, parent: 0, 7);
        session.NextPart(8, mayDraft: true);
        Draft(session, parent: 1, 8);
        session.NextPart(8, mayDraft: true);

        var outcome = session.Apply(new RunId(0), Ids(0), Tokens(7));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(outcome.Emitted, Is.EqualTo(Tokens(7)));
            Assert.That(outcome.RunRejected, Is.False);
            Assert.That(outcome.DeadBranch, Is.Empty);
            Assert.That(session.HasVerifiedToken, Is.False);
            Assert.That(session.Run, Is.EqualTo(new RunId(0)));
            Assert.That((session.Tally.Verified, session.Tally.Accepted), Is.EqualTo((1, 1)));
        }

        Draft(session, parent: 2, 9);
        Assert.That(session.NextPart(8, mayDraft: true).Base, Is.EqualTo(new VerifiedPath(new CandidateId(0), 1)));
    }

    [Test]
    public void A_verdict_without_a_token_ends_the_session_on_the_verified_path_and_nowhere_else()
    {
        var session = Session(prompt: [1], width: 2);
        session.NextPart(8, mayDraft: true);
        Draft(session, parent: 0, 7);
        Draft(session, parent: 0, 8);
        session.NextPart(8, mayDraft: true);

        // Token 7 is right; what the target thinks after 8 does not matter.
        var first = session.Apply(new RunId(0), Ids(0, 1), Tokens(7, 9));
        Assert.That((first.HasNoToken, first.Emitted.Count), Is.EqualTo((false, 2)));
        Assert.That(session.Apply(new RunId(0), Ids(2), [TokenId.None]).HasNoToken, Is.False);

        var entered = session.NextPart(8, mayDraft: true).Candidates[0];
        var last = session.Apply(session.Run, [entered], [TokenId.None]);
        Assert.That(last.HasNoToken);
        Assert.That(last.Emitted, Is.Empty);
        Assert.That(session.IsFinished);
    }

    [Test]
    public void A_rejection_starts_a_new_run_with_the_targets_token_and_cancels_what_follows()
    {
        var session = Session(prompt: [1]);
        session.NextPart(8, mayDraft: true);
        Draft(session, parent: 0, 7);
        session.NextPart(8, mayDraft: true);
        Draft(session, parent: 1, 8);
        session.NextPart(8, mayDraft: true);
        Draft(session, parent: 2, 9);

        var outcome = session.Apply(new RunId(0), Ids(0), Tokens(5));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(outcome.Emitted, Is.EqualTo(Tokens(5)));
            Assert.That(outcome.RunRejected, Is.True);
            Assert.That(session.Run, Is.EqualTo(new RunId(1)));
            Assert.That((session.Tally.Verified, session.Tally.Accepted), Is.EqualTo((1, 0)));
            Assert.That((session.Tally.Cancelled, session.Tally.Rollbacks), Is.EqualTo((1, 1)));
        }

        var next = session.NextPart(8, mayDraft: true);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(Tokens(next), Is.EqualTo(new[] { 5 }));
            Assert.That(next.CertainCount, Is.EqualTo(1));
            Assert.That(next.Run, Is.EqualTo(new RunId(1)));
            Assert.That(next.Base, Is.EqualTo(new VerifiedPath(new CandidateId(0), 1)));
            Assert.That(next.Parents, Is.EqualTo(Ids(0)));
            Assert.That(next.Candidates[0].Value, Is.GreaterThan(2), "ids are never used again");
        }

        var echo = session.NextPart(8, mayDraft: true);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(Tokens(echo), Is.EqualTo(new[] { 8 }), "what followed the token that was replaced");
            Assert.That(echo.Parents, Is.EqualTo(next.Candidates));
            Assert.That(session.HasDraftWork, Is.False);
        }
    }

    [Test]
    public void Late_news_of_a_dead_run_changes_nothing()
    {
        var session = Session(prompt: [1]);
        session.NextPart(8, mayDraft: true);
        Draft(session, parent: 0, 7);
        session.NextPart(8, mayDraft: true);
        session.Apply(new RunId(0), Ids(0), Tokens(5));

        var lateVerdict = session.Apply(new RunId(0), Ids(1), Tokens(6));
        Draft(session, parent: 1, 8, run: 0);
        var repeated = session.Apply(new RunId(0), Ids(0), Tokens(5));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(lateVerdict.Emitted, Is.Empty);
            Assert.That(repeated.Emitted, Is.Empty);
            Assert.That(session.HasDraftWork, Is.False);
            Assert.That(session.GeneratedCount, Is.EqualTo(1));
        }
    }

    [Test]
    public void A_verdict_before_any_draft_continues_the_same_run()
    {
        var session = Session(prompt: [1]);
        session.NextPart(8, mayDraft: true);

        var outcome = session.Apply(new RunId(0), Ids(0), Tokens(4));
        var next = session.NextPart(8, mayDraft: true);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(outcome.RunRejected, Is.False);
            Assert.That(next.Run, Is.EqualTo(new RunId(0)));
            Assert.That(Tokens(next), Is.EqualTo(new[] { 4 }));
            Assert.That(session.Tally.Verified, Is.Zero);
        }
    }

    [Test]
    public void A_draft_that_has_not_entered_is_overtaken_by_its_verdict()
    {
        var session = Session(prompt: [1]);
        session.NextPart(8, mayDraft: true);
        Draft(session, parent: 0, 7);

        session.Apply(new RunId(0), Ids(0), Tokens(7));
        var next = session.NextPart(8, mayDraft: true);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(next.CertainCount, Is.EqualTo(1));
            Assert.That(session.HasDraftWork, Is.False);
            Assert.That(session.Tally.Verified, Is.Zero, "it never reached the last stage");
        }
    }

    [Test]
    public void Drafts_go_no_further_than_the_window()
    {
        var session = Session(prompt: [1], window: 2);
        session.NextPart(8, mayDraft: true);
        Draft(session, parent: 0, 2);
        session.NextPart(8, mayDraft: true);
        Draft(session, parent: 1, 3);
        session.NextPart(8, mayDraft: true);
        Draft(session, parent: 2, 4);
        Assert.That(session.HasDraftWork, Is.False);

        session.Apply(new RunId(0), Ids(0), Tokens(2));

        Assert.That(session.HasDraftWork, Is.True);
    }

    [Test]
    public void Siblings_of_a_confirmed_draft_die_with_their_descendants_and_the_run_lives()
    {
        var session = Session(prompt: [1], width: 2);
        session.NextPart(8, mayDraft: true);
        session.AddDrafts(new RunId(0), [Drafted(0, 7, -0.1f), Drafted(0, 8, -2f), Drafted(0, 9, -3f)]);
        var siblings = session.NextPart(8, mayDraft: true);
        Assert.That(Tokens(siblings), Is.EqualTo(new[] { 7, 8 }), "the two likeliest of three");
        session.AddDrafts(new RunId(0), [Drafted(1, 3, -0.1f), Drafted(2, 4, -0.1f)]);
        session.NextPart(8, mayDraft: true);

        var outcome = session.Apply(new RunId(0), Ids(0), Tokens(8));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(outcome.RunRejected, Is.False);
            Assert.That(outcome.DeadBranch, Is.EqualTo(Ids(1, 3)));
            Assert.That((session.Tally.Verified, session.Tally.Accepted), Is.EqualTo((1, 1)));
        }

        var next = session.Apply(new RunId(0), Ids(1, 2), Tokens(5, 4));
        Assert.That(next.Emitted, Is.EqualTo(Tokens(4)), "the dead sibling's verdict is passed over");
    }

    [Test]
    public void One_message_may_judge_a_candidate_and_its_child()
    {
        var session = Session(prompt: [1]);
        session.NextPart(8, mayDraft: true);
        Draft(session, parent: 0, 7);
        session.NextPart(8, mayDraft: true);
        Draft(session, parent: 1, 8);
        session.NextPart(8, mayDraft: true);

        var outcome = session.Apply(new RunId(0), Ids(0, 1, 2), Tokens(7, 8, 2));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(outcome.Emitted, Is.EqualTo(Tokens(7, 8, 2)));
            Assert.That(session.Tally.Accepted, Is.EqualTo(2));
            Assert.That(Tokens(session.NextPart(8, mayDraft: true)), Is.EqualTo(new[] { 2 }));
        }
    }

    [Test]
    public void The_likely_drafts_are_the_best_path_through_the_tree()
    {
        var session = Session(prompt: [1], width: 2);
        session.NextPart(8, mayDraft: true);
        session.AddDrafts(new RunId(0), [Drafted(0, 7, -1f), Drafted(0, 8, -0.5f)]);
        session.NextPart(8, mayDraft: true);
        session.AddDrafts(new RunId(0), [Drafted(1, 4, -0.1f), Drafted(2, 3, -1f)]);
        session.NextPart(8, mayDraft: true);

        var drafts = session.LikelyDrafts();
        Assert.That(drafts.Select(draft => draft.Token), Is.EqualTo(Tokens(8, 4)));
        Assert.That(drafts.Select(draft => draft.Others), Is.EqualTo(new[] { Tokens(7), Tokens() }));
    }
}
