using Ppsd.Actors.Ids;
using Ppsd.Actors.Messages;
using Ppsd.Actors.Speculation;

namespace Ppsd.Tests.Actors.Speculation;

public sealed class CancelBoardTests
{
    private static readonly SessionId _session = SessionId.Create(new PipelineEpoch(1), 1);
    private static readonly SessionId _other = SessionId.Create(new PipelineEpoch(1), 2);

    [Test]
    public void A_floor_kills_earlier_runs_of_its_session_only()
    {
        var board = new CancelBoard();
        board.Raise(new Cancel(_session, new RunId(3), []));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(board.IsDead(_session, new RunId(2)), Is.True);
            Assert.That(board.IsDead(_session, new RunId(3)), Is.False);
            Assert.That(board.IsDead(_other, new RunId(0)), Is.False);
        }
    }

    [Test]
    public void Late_and_repeated_cancels_never_lower_the_floor()
    {
        var board = new CancelBoard();
        board.Raise(new Cancel(_session, new RunId(3), []));
        board.Raise(new Cancel(_session, new RunId(1), []));
        board.Raise(new Cancel(_session, new RunId(3), []));

        Assert.That(board.IsDead(_session, new RunId(2)), Is.True);
        Assert.That(board.IsDead(_session, new RunId(3)), Is.False);
    }

    [Test]
    public void An_ended_session_is_dead_for_good_whatever_comes_after()
    {
        var board = new CancelBoard();
        board.End(_session);
        board.Raise(new Cancel(_session, new RunId(1), []));

        Assert.That(board.IsDead(_session, new RunId(100)), Is.True);
    }

    [Test]
    public void Dead_candidates_are_forgotten_once_the_stage_is_past_them()
    {
        var board = new CancelBoard();
        board.Raise(new Cancel(_session, new RunId(0), [new CandidateId(4), new CandidateId(9)]));
        Assert.That(IsDead(board, 4), Is.True);

        board.ForgetBefore(_session, new CandidateId(9));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(IsDead(board, 4), Is.False);
            Assert.That(IsDead(board, 9), Is.True);
        }
    }

    [Test]
    public void Marks_from_many_threads_are_all_kept()
    {
        var board = new CancelBoard();
        Parallel.For(0, 1000, run => board.Raise(new Cancel(_session, new RunId(run), [new CandidateId(run)])));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(board.IsDead(_session, new RunId(998)), Is.True);
            Assert.That(board.IsDead(_session, new RunId(999)), Is.False);
            Assert.That(Enumerable.Range(0, 1000).Count(id => IsDead(board, id)), Is.EqualTo(1000));
        }
    }

    /// <summary>
    /// A stage tests the rows of a part one after another while cancels arrive. With a chain in the part, a parent found dead
    /// and its child found alive would leave a row whose parent is in no cache.
    /// </summary>
    [Test]
    public void A_look_at_the_dead_shows_a_cancel_that_comes_meanwhile_whole_or_not_at_all()
    {
        var board = new CancelBoard();
        board.Raise(new Cancel(_session, new RunId(0), [new CandidateId(4)]));
        var before = board.DeadBranches(_session);

        board.Raise(new Cancel(_session, new RunId(0), [new CandidateId(5), new CandidateId(6)]));
        board.ForgetBefore(_session, new CandidateId(5));

        Assert.That(before.ToArray(), Is.EqualTo(new[] { new CandidateId(4) }));
        Assert.That(
            board.DeadBranches(_session).ToArray(),
            Is.EqualTo(new[] { new CandidateId(5), new CandidateId(6) })
        );
    }

    private static bool IsDead(CancelBoard board, int candidate) =>
        board.DeadBranches(_session).Contains(new CandidateId(candidate));
}
