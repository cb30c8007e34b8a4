using Ppsd.Actors.Ids;
using Ppsd.Actors.Messages;
using Ppsd.Actors.Resumes;

namespace Ppsd.Tests.Actors.Resumes;

[Parallelizable(ParallelScope.All)]
public sealed class ResumePlanTests
{
    private const int Tokens = 101;

    private static readonly SessionId _session = SessionId.Create(new PipelineEpoch(2), 0);

    [Test]
    public void The_least_that_any_survivor_holds_is_kept()
    {
        var plan = ResumePlan.Of([Kept(0, 90), Kept(1, 88), Kept(2, 89)], Tokens);

        Assert.That((plan.Length, plan.Lacking), Is.EqualTo((88, Array.Empty<int>())));
    }

    [Test]
    public void The_last_token_is_computed_even_where_all_hold_it()
    {
        var plan = ResumePlan.Of([Kept(0, 150), Kept(1, 150)], Tokens);

        Assert.That(plan.Length, Is.EqualTo(Tokens - 1));
    }

    [Test]
    public void A_new_stage_is_fed_by_the_one_before_it_from_the_hidden_states_that_were_sent()
    {
        var plan = ResumePlan.Of([Kept(0, 90, sent: 90), Nothing(1), Kept(2, 89)], Tokens);

        Assert.That((plan.Length, plan.Lacking), Is.EqualTo((89, new[] { 1 })));
    }

    [Test]
    public void Without_hidden_states_to_feed_it_all_compute_the_whole_text()
    {
        var plan = ResumePlan.Of([Kept(0, 90, sent: 0), Nothing(1), Kept(2, 89)], Tokens);

        Assert.That(plan, Is.SameAs(ResumePlan.Whole));
    }

    [Test]
    public void Fewer_hidden_states_than_keys_and_values_bound_what_is_kept()
    {
        var plan = ResumePlan.Of([Kept(0, 90, sent: 40), Nothing(1)], Tokens);

        Assert.That(plan.Length, Is.EqualTo(40));
    }

    [Test]
    public void Only_the_feeders_hidden_states_matter()
    {
        var plan = ResumePlan.Of([Kept(0, 90, sent: 0), Kept(1, 90, sent: 90), Nothing(2), Kept(3, 90)], Tokens);

        Assert.That((plan.Length, plan.Lacking), Is.EqualTo((90, new[] { 2 })));
    }

    [Test]
    public void Neighbours_that_are_new_are_fed_through_one_another()
    {
        var plan = ResumePlan.Of([Kept(0, 90, sent: 90), Nothing(1), Nothing(2), Kept(3, 88)], Tokens);

        Assert.That((plan.Length, plan.Lacking), Is.EqualTo((88, new[] { 1, 2 })));
    }

    [Test]
    public void A_first_stage_that_is_new_is_fed_by_tokens()
    {
        var plan = ResumePlan.Of([Nothing(0), Nothing(1), Kept(2, 88)], Tokens);

        Assert.That((plan.Length, plan.Lacking), Is.EqualTo((88, new[] { 0, 1 })));
    }

    [Test]
    public void Where_nobody_keeps_anything_all_compute_the_whole_text()
    {
        Assert.That(ResumePlan.Of([Nothing(0), Nothing(1)], Tokens), Is.SameAs(ResumePlan.Whole));
    }

    [Test]
    public void A_text_of_one_token_is_computed_whole()
    {
        Assert.That(ResumePlan.Of([Kept(0, 1), Kept(1, 1)], tokens: 1), Is.SameAs(ResumePlan.Whole));
    }

    [Test]
    public void An_exit_head_that_slept_is_known_to_miss_what_it_missed()
    {
        var plan = ResumePlan.Of([Kept(0, 90) with { HeadLength = 30 }, Kept(1, 80)], Tokens);

        Assert.That((plan.Length, plan.HeadLength), Is.EqualTo((80, 30)));
        Assert.That(ResumePlan.Of([Kept(0, 90), Kept(1, 80)], Tokens).HeadLength, Is.EqualTo(80));
    }

    [Test]
    public void Memory_is_reserved_for_as_many_tokens_as_before()
    {
        Assert.That(ResumePlan.Of([Kept(0, 90), Nothing(1)], Tokens).ReservedLength, Is.Zero);
        Assert.That(ResumePlan.Of([Kept(0, 90, sent: 90), Nothing(1)], Tokens).ReservedLength, Is.EqualTo(200));
    }

    private static KeptFound Kept(int stage, int length, int sent = 0) =>
        new(_session, new StageIndex(stage), length, length, sent, ReservedLength: 200);

    private static KeptFound Nothing(int stage) => new(_session, new StageIndex(stage), 0, 0, 0, 0);
}
