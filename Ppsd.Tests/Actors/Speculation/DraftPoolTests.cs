using Ppsd.Actors.Ids;
using Ppsd.Actors.Messages;
using Ppsd.Actors.Speculation;
using static Ppsd.Tests.Actors.Speculation.ScriptedSession;

namespace Ppsd.Tests.Actors.Speculation;

/// <summary>Proposals wait in one pool until they are chosen or dead, and the likeliest enter first.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class DraftPoolTests
{
    /// <summary>Two tokens a step: 7 8 6 is the path of the best, 9 and 5 lie beside it.</summary>
    private static readonly DraftedToken[] _chain =
    [
        Drafted(0, step: 0, 7, -0.1f),
        Drafted(0, step: 0, 9, -2.5f),
        Drafted(0, step: 1, 8, -0.1f),
        Drafted(0, step: 1, 5, -0.7f),
        Drafted(0, step: 2, 6, -0.1f),
    ];

    [Test]
    public void A_chain_enters_in_one_micro_batch_likeliest_paths_first_and_parents_before_children()
    {
        var session = Session(prompt: [1], width: 4);
        session.NextPart(8, mayDraft: true);
        session.AddDrafts(session.Run, _chain);

        var part = session.NextPart(8, mayDraft: true);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(Tokens(part), Is.EqualTo(new[] { 7, 8, 6, 5 }));
            Assert.That(part.Candidates, Is.EqualTo(Ids(1, 2, 3, 4)));
            Assert.That(part.Parents, Is.EqualTo(Ids(0, 1, 2, 1)));
            Assert.That(part.CertainCount, Is.Zero);
        }

        Assert.That(Tokens(session.NextPart(8, mayDraft: true)), Is.EqualTo(new[] { 9 }), "it waits until it is dead");
    }

    [Test]
    public void Verdicts_run_along_a_chain_of_one_micro_batch()
    {
        var session = Session(prompt: [1], width: 4);
        session.NextPart(8, mayDraft: true);
        session.AddDrafts(session.Run, _chain);
        session.NextPart(8, mayDraft: true);
        session.Apply(session.Run, Ids(0), Tokens(7));

        var outcome = session.Apply(session.Run, Ids(1, 2, 3, 4), Tokens(8, 6, 3, 2));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(outcome.Emitted, Is.EqualTo(Tokens(8, 6, 3)));
            Assert.That(outcome.EmittedBy, Is.EqualTo(new[] { 0, 1, 2 }));
            Assert.That(outcome.RunRejected, Is.False, "nothing followed the chain's end");
            Assert.That(session.Tally.Accepted, Is.EqualTo(3));
            Assert.That(Tokens(session.NextPart(8, mayDraft: true)), Is.EqualTo(new[] { 3 }));
        }
    }

    [Test]
    public void A_verdicts_token_enters_with_what_was_proposed_behind_it()
    {
        var session = Session(prompt: [1], width: 4);
        session.NextPart(8, mayDraft: true);
        session.AddDrafts(session.Run, _chain);

        session.Apply(session.Run, Ids(0), Tokens(7));
        var part = session.NextPart(8, mayDraft: true);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(Tokens(part), Is.EqualTo(new[] { 7, 8, 6, 5 }));
            Assert.That(part.CertainCount, Is.EqualTo(1));
            Assert.That(part.Parents[..2], Is.EqualTo(Ids(0, 1)));
            Assert.That(session.Run, Is.EqualTo(new RunId(0)));
        }
    }

    [Test]
    public void A_rejection_keeps_what_was_proposed_behind_the_targets_token()
    {
        var session = Session(prompt: [1], width: 2);
        session.NextPart(8, mayDraft: true);
        session.AddDrafts(session.Run, _chain);
        Assert.That(Tokens(session.NextPart(8, mayDraft: true)), Is.EqualTo(new[] { 7, 8 }));

        var outcome = session.Apply(session.Run, Ids(0), Tokens(9));
        var part = session.NextPart(8, mayDraft: true);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(outcome.RunRejected);
            Assert.That(Tokens(part), Is.EqualTo(new[] { 9, 8 }), "8 followed the token that 9 replaced");
            Assert.That((part.Run, part.CertainCount), Is.EqualTo((new RunId(1), 1)));
        }
    }

    [Test]
    public void Drafts_behind_the_same_token_further_on_are_proposed_again()
    {
        var session = Session(prompt: [1], width: 3);
        session.NextPart(8, mayDraft: true);
        session.AddDrafts(session.Run, _chain);
        Assert.That(Tokens(session.NextPart(8, mayDraft: true)), Is.EqualTo(new[] { 7, 8, 6 }));

        session.Apply(session.Run, Ids(0), Tokens(8));

        Assert.That(Tokens(session.NextPart(8, mayDraft: true)), Is.EqualTo(new[] { 8, 6 }));
    }

    [Test]
    public void After_a_loss_all_that_was_in_flight_is_proposed_again_under_new_ids()
    {
        var session = Session(prompt: [1], width: 4);
        session.NextPart(8, mayDraft: true);
        session.AddDrafts(session.Run, _chain);
        session.NextPart(8, mayDraft: true);
        session.Apply(session.Run, Ids(0), Tokens(7));

        session.Restart();
        var part = session.NextPart(8, mayDraft: true);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(Tokens(part), Is.EqualTo(new[] { 7, 8, 6, 5 }));
            Assert.That(part.Candidates, Is.EqualTo(Ids(5, 6, 7, 8)));
            Assert.That(part.Parents, Is.EqualTo(Ids(0, 5, 6, 5)));
            Assert.That(part.CertainCount, Is.EqualTo(1));
        }
    }

    [Test]
    public void Verdicts_that_wait_doom_work_only_where_they_leave_the_chain()
    {
        var session = Session(prompt: [1], width: 4);
        session.NextPart(8, mayDraft: true);
        session.AddDrafts(session.Run, _chain);
        session.NextPart(8, mayDraft: true);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(session.WillDie(session.Run, Ids(0, 1), Tokens(7, 8)), Is.False);
            Assert.That(session.WillDie(session.Run, Ids(0, 1), Tokens(7, 4)), Is.True);
            Assert.That(session.WillDie(session.Run, Ids(0, 1), Tokens(7, 5)), Is.False, "5 has entered too");
            Assert.That(session.WillDie(session.Run, Ids(0), Tokens(9)), Is.True, "9 has not entered");
        }
    }

    [Test]
    public void A_later_proposal_of_the_same_token_replaces_the_chance_it_was_given()
    {
        var session = Session(prompt: [1], width: 1);
        session.NextPart(8, mayDraft: true);
        session.AddDrafts(session.Run, [Drafted(0, 7, -0.1f), Drafted(0, 9, -2.5f), Drafted(0, step: 1, 8, -3f)]);
        session.NextPart(8, mayDraft: true);

        session.AddDrafts(session.Run, [Drafted(1, 8, -0.1f)]);

        Assert.That(
            Tokens(session.NextPart(8, mayDraft: true)),
            Is.EqualTo(new[] { 8 }),
            "not 9, which was likelier before"
        );
    }

    /// <summary>Each candidate of a chain drafts too, and what it proposes is what the chain proposed before.</summary>
    [Test]
    public void Drafts_are_counted_under_the_step_they_entered_for()
    {
        var session = Session(prompt: [1], width: 4);
        session.NextPart(8, mayDraft: true);
        session.AddDrafts(session.Run, _chain);
        session.NextPart(8, mayDraft: true);
        session.AddDrafts(session.Run, [Drafted(1, 8, -0.01f), Drafted(2, 6, -0.01f)]);

        session.Apply(session.Run, Ids(0, 1, 2), Tokens(7, 8, 2));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(
                session.Tally.Sources,
                Is.EqualTo(
                    new[]
                    {
                        new DraftSourceFigures(DraftSource.ExitHead, Step: 0, Judged: 1, Accepted: 1) { Places = 1 },
                        new DraftSourceFigures(DraftSource.ExitHead, Step: 1, Judged: 2, Accepted: 1) { Places = 1 },
                        new DraftSourceFigures(DraftSource.ExitHead, Step: 2, Judged: 1, Accepted: 0) { Places = 1 },
                    }
                )
            );
            Assert.That((session.Tally.Cycles, session.Tally.Rows), Is.EqualTo((1, 4)), "the prompt is no cycle");
        }
    }

    /// <summary>Otherwise a step would learn from its mistakes only: what it said rightly is mostly said again later.</summary>
    [Test]
    public void A_step_learns_from_claims_that_later_ones_replaced()
    {
        var calibration = new DraftCalibration();
        var pool = new DraftPool(calibration, usesNGrams: false, endPosition: 100);
        var root = pool.Tree.Plant(new TokenId(1), 0);
        pool.Tree.Enter(root, new CandidateId(0), part: 0, step: 0);
        pool.Add(_chain);
        var best = CandidateTree.FindChild(root, new TokenId(7))!;
        pool.Tree.Enter(best, new CandidateId(1), part: 1, step: 0);
        pool.Add([Drafted(1, 8, -0.01f)]);
        pool.Tree.KeepOnly(best, []);

        pool.Learn(new TokenId(8));

        var claim = new DraftClaim(DraftSource.ExitHead, Step: 1, Math.Exp(-0.1f));
        Assert.That(calibration.ChanceOf(claim), Is.GreaterThan(claim.Probability));
    }

    /// <summary>Rows are taken by chance, so a child that kept an older, larger one would enter before its parent.</summary>
    [Test]
    public void A_token_that_becomes_less_likely_takes_all_behind_it_along()
    {
        var pool = new DraftPool(new DraftCalibration(), usesNGrams: false, endPosition: 100);
        var root = pool.Tree.Plant(new TokenId(1), 0);
        pool.Tree.Enter(root, new CandidateId(0), part: 0, step: 0);
        pool.Add(_chain);
        pool.Tree.Enter(CandidateTree.FindChild(root, new TokenId(7))!, new CandidateId(1), part: 1, step: 0);

        pool.Add([Drafted(1, 8, -3f)]);

        Assert.That(pool.Best()!.Parent!.Id, Is.Not.Null);
        Assert.That(pool.Best()!.Token, Is.Not.EqualTo(new TokenId(6)));
    }

    [Test]
    public void Nothing_is_proposed_beyond_the_token_limit()
    {
        var session = Session(prompt: [1], width: 8, maxTokens: 3);
        session.NextPart(8, mayDraft: true);
        session.AddDrafts(session.Run, _chain);

        Assert.That(
            Tokens(session.NextPart(8, mayDraft: true)),
            Is.EqualTo(new[] { 7, 8, 5, 9 }),
            "6 would be the third"
        );
    }
}
