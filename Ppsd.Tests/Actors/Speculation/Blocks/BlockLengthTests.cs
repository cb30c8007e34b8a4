using Ppsd.Actors.Speculation.Blocks;

namespace Ppsd.Tests.Actors.Speculation.Blocks;

/// <summary>How long blocks are, against numbers worked out by hand.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class BlockLengthTests
{
    [Test]
    public void A_block_gives_one_token_and_each_draft_as_often_as_all_before_it_are_right()
    {
        using (Assert.EnterMultipleScope())
        {
            Assert.That(BlockCosts.ExpectedTokens(0.5, 3), Is.EqualTo(1.875));
            Assert.That(BlockCosts.ExpectedTokens(1, 5), Is.EqualTo(6));
            Assert.That(BlockCosts.ExpectedTokens(0, 5), Is.EqualTo(1));
        }
    }

    // Tokens over cost at 0.8: 1.8/1.25 = 1.44, 2.44/1.5 = 1.627, 2.952/1.75 = 1.687, 3.362/2 = 1.681.
    [TestCase(0.8, 0.25, 0, 3)]
    // A row that costs as much as a draft: 1.8/1.5 = 1.2, 2.44/2 = 1.22, 2.952/2.5 = 1.18.
    [TestCase(0.8, 0.25, 0.25, 2)]
    // 1.2/1.25 is less than the one token a pass that no draft gives.
    [TestCase(0.2, 0.25, 0, 0)]
    [TestCase(1, 0.25, 0, 18)]
    public void The_best_length_gives_most_tokens_for_its_cost(double alpha, double draft, double row, int expected) =>
        Assert.That(new BlockCosts(draft, row).BestLength(alpha, most: 18), Is.EqualTo(expected));

    [Test]
    public void The_fixed_control_follows_the_acceptance_it_measures()
    {
        var control = new BestLength(new BlockCosts(0.25, 0));
        Assert.That(control.Length, Is.EqualTo(3), "2.734/1.75 at the 0.75 it begins with");

        control.Note(drafted: 3, accepted: 0);
        Assert.That(control.Acceptance, Is.EqualTo(2.85 / 4.8).Within(1e-12));

        for (var i = 0; i < 60; i++)
        {
            control.Note(drafted: 8, accepted: 8);
        }

        using (Assert.EnterMultipleScope())
        {
            Assert.That(control.Acceptance, Is.GreaterThan(0.99));
            Assert.That(control.Length, Is.EqualTo(18));
        }
    }

    [Test]
    public void Where_no_draft_pays_one_is_tried_now_and_then()
    {
        var control = new BestLength(new BlockCosts(0.25, 0));
        var drafted = new List<int>();
        for (var i = 0; i < 60; i++)
        {
            var length = 0;
            while (control.GoesOn(length, 1))
            {
                length++;
            }

            drafted.Add(length);
            control.Note(length, accepted: 0);
        }

        Assert.That(drafted[^17..].Order(), Is.EqualTo([.. Enumerable.Repeat(0, 16), 1]));
    }

    [Test]
    public void Thompson_draws_from_one_and_what_was_accepted_and_rejected()
    {
        var asked = new List<(double A, double B)>();
        var uniform = new Queue<double>([0.5, 0.5, 0.7, 0.5]);
        var control = new ThompsonLength(
            (a, b) =>
            {
                asked.Add((a, b));
                return 0.6;
            },
            uniform.Dequeue
        );

        var first = (control.GoesOn(0, 1), control.GoesOn(1, 1), control.GoesOn(2, 1));
        control.Note(drafted: 5, accepted: 3);
        control.GoesOn(0, 1);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(first, Is.EqualTo((true, true, false)));
            Assert.That(asked, Is.EqualTo([(1.0, 1.0), (1.0, 1.0), (1.0, 1.0), (4.0, 2.0)]));
            Assert.That(control.GoesOn(18, 1), Is.False, "at most 18, without a draw");
        }
    }

    [Test]
    public void Knn_ssd_stops_behind_a_token_below_its_threshold_and_at_twelve()
    {
        var control = new ConfidentLength();
        using (Assert.EnterMultipleScope())
        {
            Assert.That(control.GoesOn(0, 1));
            Assert.That(control.GoesOn(3, 0.8));
            Assert.That(control.GoesOn(3, 0.79), Is.False);
            Assert.That(control.GoesOn(12, 1), Is.False);
        }
    }

    [Test]
    public void The_nearest_anchor_is_that_of_the_smallest_angle_whatever_its_length()
    {
        float[][] anchors =
        [
            [1, 0],
            [0.1f, 0.1f],
            [0, 9],
        ];
        using (Assert.EnterMultipleScope())
        {
            Assert.That(NearestAnchor.Find([5, 4], anchors), Is.EqualTo(1));
            Assert.That(NearestAnchor.Find([1, 30], anchors), Is.EqualTo(2));
            Assert.That(NearestAnchor.Cosine([3, 4], [4, 3]), Is.EqualTo(0.96).Within(1e-12));
        }
    }
}
