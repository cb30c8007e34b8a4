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
        Assert.That(board.IsDead(_session, new CandidateId(4)), Is.True);

        board.ForgetBefore(_session, new CandidateId(9));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(board.IsDead(_session, new CandidateId(4)), Is.False);
            Assert.That(board.IsDead(_session, new CandidateId(9)), Is.True);
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
            Assert.That(
                Enumerable.Range(0, 1000).Count(id => board.IsDead(_session, new CandidateId(id))),
                Is.EqualTo(1000)
            );
        }
    }
}
