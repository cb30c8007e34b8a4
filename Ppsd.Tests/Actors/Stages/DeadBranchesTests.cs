using Ppsd.Actors.Ids;
using Ppsd.Actors.Messages;
using Ppsd.Actors.Speculation;
using Ppsd.Actors.Stages;
using static Ppsd.Tests.Actors.Stages.TestBatches;

namespace Ppsd.Tests.Actors.Stages;

public sealed class DeadBranchesTests
{
    [Test]
    public void Dead_candidates_are_cut_out_with_their_hidden_states()
    {
        var board = new CancelBoard();
        board.Raise(new Cancel(Session(1), new RunId(0), [new CandidateId(6)]));
        var item = Item(1, 5, count: 3) with { Hidden = Enumerable.Range(0, 24).Select(i => (byte)i).ToArray() };

        var cut = DeadBranches.Without(item, board)!;

        using (Assert.EnterMultipleScope())
        {
            Assert.That(cut.Batch.Candidates.Select(id => id.Value), Is.EqualTo(new[] { 5, 7 }));
            Assert.That(cut.Batch.Tokens.Select(token => token.Value), Is.EqualTo(new[] { 0, 2 }));
            Assert.That(
                cut.Hidden.ToArray(),
                Is.EqualTo(new byte[] { 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23 })
            );
        }
    }

    [Test]
    public void Nothing_is_left_of_a_micro_batch_whose_candidates_are_all_dead()
    {
        var board = new CancelBoard();
        board.Raise(new Cancel(Session(1), new RunId(0), [new CandidateId(5), new CandidateId(6)]));

        Assert.That(DeadBranches.Without(Item(1, 5, count: 2), board), Is.Null);
    }

    [Test]
    public void A_living_micro_batch_is_passed_on_as_it_is()
    {
        var item = Item(1, 5, count: 2);

        Assert.That(DeadBranches.Without(item, new CancelBoard()), Is.SameAs(item));
    }
}
