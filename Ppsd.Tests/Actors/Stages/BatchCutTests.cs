using Ppsd.Actors.Ids;
using Ppsd.Actors.Messages;
using Ppsd.Actors.Speculation;
using Ppsd.Actors.Stages;
using static Ppsd.Tests.Actors.Stages.TestBatches;

namespace Ppsd.Tests.Actors.Stages;

[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
public sealed class BatchCutTests
{
    private readonly CancelBoard _board = new();

    [Test]
    public void Dead_candidates_are_cut_out_with_their_hidden_states()
    {
        _board.Raise(new Cancel(Session(1), new RunId(0), [new CandidateId(6)]));

        var cut = BatchCut.WithoutDead(Item(1, 5, count: 3), _board)!;

        using (Assert.EnterMultipleScope())
        {
            Assert.That(cut.Batch.Parts[0].Candidates.Select(id => id.Value), Is.EqualTo(new[] { 5, 7 }));
            Assert.That(cut.Batch.Parts[0].Tokens.Select(token => token.Value), Is.EqualTo(new[] { 0, 2 }));
            Assert.That(Rows(cut), Is.EqualTo(new[] { 0, 2 }));
        }
    }

    [Test]
    public void Parts_of_dead_runs_and_ended_sessions_are_cut_out_and_the_others_go_on()
    {
        _board.Raise(new Cancel(Session(2), new RunId(1), []));
        _board.End(Session(4));
        var item = Item(9, Part(1, 5, count: 2), Part(2, 3, count: 2), Part(3, 8), Part(4, 1), Part(2, 5, run: 1));

        var cut = BatchCut.WithoutDead(item, _board)!;

        using (Assert.EnterMultipleScope())
        {
            Assert.That(
                cut.Batch.Parts.Select(part => part.Session),
                Is.EqualTo(new[] { Session(1), Session(3), Session(2) })
            );
            Assert.That(Rows(cut), Is.EqualTo(new[] { 0, 1, 4, 6 }));
            Assert.That(cut.Batch.Number, Is.EqualTo(new BatchNumber(9)));
        }
    }

    [Test]
    public void A_branch_is_cut_out_of_its_own_part_only()
    {
        _board.Raise(new Cancel(Session(2), new RunId(0), [new CandidateId(5)]));

        var cut = BatchCut.WithoutDead(Item(9, Part(1, 5), Part(2, 5, count: 2)), _board)!;

        Assert.That(Rows(cut), Is.EqualTo(new[] { 0, 2 }));
    }

    [Test]
    public void Nothing_is_left_of_a_micro_batch_whose_candidates_are_all_dead()
    {
        _board.Raise(new Cancel(Session(1), new RunId(0), [new CandidateId(5), new CandidateId(6)]));

        Assert.That(BatchCut.WithoutDead(Item(1, 5, count: 2), _board), Is.Null);
    }

    [Test]
    public void A_living_micro_batch_is_passed_on_as_it_is()
    {
        var item = Item(1, 5, count: 2);

        Assert.That(BatchCut.WithoutDead(item, _board), Is.SameAs(item));
    }

    [Test]
    public void The_first_stage_has_no_hidden_states_to_cut()
    {
        _board.Raise(new Cancel(Session(2), new RunId(1), []));
        var item = Item(9, Part(1, 5), Part(2, 5)) with { Hidden = HiddenStates.None };

        Assert.That(BatchCut.WithoutDead(item, _board)!.Hidden.IsEmpty, Is.True);
    }

    /// <summary>Which of the item's rows are left, by the byte each was filled with.</summary>
    private static IEnumerable<int> Rows(WorkItem item) =>
        item.Hidden.Memory.ToArray().Chunk(8).Select(row => (int)row[0]);
}
