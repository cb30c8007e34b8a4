using Ppsd.Actors.Speculation;

namespace Ppsd.Tests.Actors.Speculation;

public sealed class DraftPolicyTests
{
    [Test]
    public void Drafts_that_are_mostly_right_go_on()
    {
        var policy = new DraftPolicy(0.5);

        Assert.That(DraftedShare(policy, acceptance: 0.8, tokens: 2000), Is.EqualTo(1));
        Assert.That(policy.Acceptance, Is.EqualTo(0.8).Within(0.15));
    }

    [Test]
    public void Drafts_that_are_always_wrong_soon_pause_and_are_tried_ever_more_rarely()
    {
        var policy = new DraftPolicy(0.5);

        Assert.That(DraftedShare(policy, acceptance: 0, tokens: 100), Is.LessThan(0.5));
        Assert.That(DraftedShare(policy, acceptance: 0, tokens: 4000), Is.LessThan(0.05));
    }

    [Test]
    public void A_session_whose_drafts_become_right_drafts_again()
    {
        var policy = new DraftPolicy(0.5);
        DraftedShare(policy, acceptance: 0, tokens: 4000);

        DraftedShare(policy, acceptance: 0.95, tokens: 600);

        Assert.That(DraftedShare(policy, acceptance: 0.95, tokens: 1000), Is.EqualTo(1));
    }

    [Test]
    public void A_session_does_not_try_again_while_others_see_that_it_does_not_pay()
    {
        var policy = new DraftPolicy(0);
        policy.SetBreakEven(0.5);
        DraftedShare(policy, acceptance: 0, tokens: 100);

        DraftedShare(policy, acceptance: 1, tokens: 64, seenElsewhere: 0.3);
        Assert.That(DraftedShare(policy, acceptance: 1, tokens: 2000, seenElsewhere: 0.3), Is.Zero);

        Assert.That(DraftedShare(policy, acceptance: 1, tokens: 1024), Is.GreaterThan(0.5));
    }

    [Test]
    public void Without_a_minimum_nothing_pauses() =>
        Assert.That(DraftedShare(new DraftPolicy(0), acceptance: 0, tokens: 1000), Is.EqualTo(1));

    /// <summary>Share of tokens that were drafted, with drafts confirmed at an even rate.</summary>
    private static double DraftedShare(DraftPolicy policy, double acceptance, int tokens, double seenElsewhere = 1)
    {
        var drafted = 0;
        var owed = 0.0;
        for (var i = 0; i < tokens; i++)
        {
            if (policy.IsDrafting)
            {
                drafted++;
                owed += acceptance;
                policy.NoteDraft(owed >= 1);
                owed -= owed >= 1 ? 1 : 0;
            }

            policy.NoteToken(seenElsewhere);
        }

        return (double)drafted / tokens;
    }
}
