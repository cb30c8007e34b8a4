using Ppsd.Actors.Ids;
using Ppsd.Actors.Speculation.Blocks;

namespace Ppsd.Tests.Actors.Speculation.Blocks;

/// <summary>DEL's counts and choice, against numbers worked out by hand: exits behind 2 and 4 of 8 layers.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class DelTests
{
    private static readonly TokenId[] _target = [new(7), new(8), new(9)];

    // The first exit is right, wrong, right; the second right, right, wrong.
    private static readonly ShadowToken[][] _shadows =
    [
        [Right(0, 0.9), Wrong(0.4), Right(2, 0.8)],
        [Right(0, 0.7), Right(1, 0.6), Wrong(0.5)],
    ];

    [Test]
    public void Matches_and_misses_count_with_how_sure_the_head_was()
    {
        var statistics = new DelStatistics(exits: 2);
        statistics.Note(_shadows, _target, positions: 3);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(statistics.Alpha(0), Is.EqualTo(2.0 / 3).Within(1e-12));
            Assert.That(statistics.Threshold(0), Is.EqualTo((0.85 + 0.4) / 2).Within(1e-12));
            Assert.That(statistics.Threshold(1), Is.EqualTo((0.65 + 0.5) / 2).Within(1e-12));
        }
    }

    [Test]
    public void A_round_weighs_a_twentieth_less_with_each_after_it()
    {
        var statistics = new DelStatistics(exits: 2);
        statistics.Note(_shadows, _target, positions: 3);
        statistics.Note(_shadows, _target, positions: 2);

        Assert.That(statistics.Alpha(0), Is.EqualTo(2.9 / (2.9 + 1.95)).Within(1e-12));
    }

    [Test]
    public void Positions_behind_the_exits_first_miss_cannot_be_compared()
    {
        using (Assert.EnterMultipleScope())
        {
            Assert.That(DelStatistics.ComparablePositions(_shadows[0], _target), Is.EqualTo(2));
            Assert.That(DelStatistics.ComparablePositions(_shadows[1], _target), Is.EqualTo(3));
            Assert.That(DelStatistics.ComparablePositions([.. _shadows[1][..2]], _target[..2]), Is.EqualTo(2));
        }
    }

    [Test]
    public void The_exit_and_length_with_most_tokens_for_their_layers_are_chosen()
    {
        var statistics = new DelStatistics(exits: 2);
        statistics.Note(_shadows, _target, positions: 3);

        // Both at 2/3, so the first exit: 1/8, 1.667/10, 2.111/12 = 0.1759, 2.407/14 = 0.1720.
        Assert.That(statistics.Choose([2, 4], 8, 18), Is.EqualTo(new DelChoice(0, 2)));
    }

    [Test]
    public void An_exit_that_has_never_missed_has_no_threshold()
    {
        var policy = new DelPolicy([2, 4], 8);
        policy.Note(1, 1);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(policy.GoesOn(17, 0.001), "nothing lies below NaN");
            Assert.That(policy.GoesOn(18, 1), Is.False);
        }
    }

    [Test]
    public void The_first_block_drafts_one_token_at_the_first_exit_and_later_ones_stop_at_the_threshold()
    {
        var policy = new DelPolicy([2, 4], 8);
        var first = (policy.Exit, policy.GoesOn(0, 1), policy.GoesOn(1, 1));
        policy.NotePrompt(_shadows, _target);
        policy.Note(1, 1);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(first, Is.EqualTo((0, true, false)));
            Assert.That(policy.GoesOn(5, 0.63), "the chosen length of 2 ends nothing");
            Assert.That(policy.GoesOn(5, 0.62), Is.False);
        }
    }

    [Test]
    public void The_variant_drafts_as_many_tokens_as_were_chosen()
    {
        var policy = new DelPolicy([2, 4], 8, usesLength: true);
        policy.NotePrompt(_shadows, _target);
        policy.Note(1, 1);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(policy.GoesOn(1, 0.01));
            Assert.That(policy.GoesOn(2, 1), Is.False);
        }
    }

    [Test]
    public void Behind_a_block_that_was_to_have_no_draft_all_positions_count()
    {
        // A head that is always wrong promises nothing, so no length beats 0.
        var policy = new DelPolicy([2], 8);
        ShadowToken[][] wrong =
        [
            [Wrong(0.5), Wrong(0.5), Wrong(0.5)],
        ];
        ShadowToken[][] late =
        [
            [Wrong(0.5), Right(1, 0.5), Right(2, 0.5)],
        ];
        policy.NotePrompt(wrong, _target);
        policy.Note(1, 0);
        var unclipped = new DelStatistics(1);
        unclipped.Note(wrong, _target, 3);
        unclipped.Note(late, _target, 3);

        policy.NoteShadows(late, _target);
        policy.Note(1, 0);
        var expected = unclipped.Threshold(0);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(policy.GoesOn(1, expected));
            Assert.That(policy.GoesOn(1, expected - 1e-9), Is.False, "two matches were counted: there is a threshold");
        }
    }

    private static ShadowToken Right(int position, double confidence) => new(_target[position], confidence);

    private static ShadowToken Wrong(double confidence) => new(new TokenId(1), confidence);
}
