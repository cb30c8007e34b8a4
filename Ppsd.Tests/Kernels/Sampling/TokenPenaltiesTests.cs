using Ppsd.Kernels.Sampling;

namespace Ppsd.Tests.Kernels.Sampling;

public sealed class TokenPenaltiesTests
{
    private static readonly SamplingParameters _penalised = new() { PresencePenalty = 0.5f, FrequencyPenalty = 0.25f };

    [Test]
    public void A_token_pays_once_for_being_there_and_once_more_for_each_time_it_was_generated() =>
        Assert.That(Apply(_penalised, committed: [1, 2, 1], tail: [1]), Is.EqualTo(new[] { 1f, -0.25f, 0.25f, 1f }));

    [Test]
    public void A_bias_is_added_to_its_tokens_before_a_penalty_looks_at_them()
    {
        var biased = new SamplingParameters
        {
            LogitBias = [new LogitBias(1, -3f), new LogitBias(3, 2f)],
            RepetitionPenalty = 2f,
        };
        Assert.That(Apply(biased, committed: [1, 2], tail: []), Is.EqualTo(new[] { 1f, -4f, 0.5f, 3f }));
        Assert.That(biased, Has.Property("ChangesLogits").True.And.Property("UsesHistory").True);
        Assert.That(new SamplingParameters { LogitBias = [new LogitBias(1, 1f)] }.ChangesLogits, Is.True);
    }

    [Test]
    public void Tokens_of_the_prompt_pay_nothing() =>
        Assert.That(
            Apply(_penalised, committed: [3, 3, 0, 2], tail: [], promptLength: 3),
            Is.EqualTo(new[] { 1f, 1f, 0.25f, 1f })
        );

    [Test]
    public void A_negative_penalty_encourages() =>
        Assert.That(
            Apply(new SamplingParameters { PresencePenalty = -1f }, committed: [2], tail: []),
            Is.EqualTo(new[] { 1f, 1f, 2f, 1f })
        );

    /// <summary>Stages commit at different times, so where the path is split between the parts must not matter.</summary>
    [Test]
    public void Where_committed_tokens_end_changes_no_bit()
    {
        var parameters = new SamplingParameters
        {
            PresencePenalty = 0.3f,
            FrequencyPenalty = 0.1f,
            RepetitionPenalty = 1.3f,
        };
        int[] path = [0, 3, 1, 3, 3, 1];
        var expected = Apply(parameters, path, [], promptLength: 2);

        for (var committed = 2; committed < path.Length; committed++)
        {
            Assert.That(Apply(parameters, path[..committed], path[committed..], promptLength: 2), Is.EqualTo(expected));
        }
    }

    [Test]
    public void Nothing_is_remembered_from_one_draw_to_the_next()
    {
        var penalties = new TokenPenalties(4);
        var first = new float[] { 1, 1, 1, 1 };
        penalties.Apply(first, _penalised, new TokenHistory([1, 1], [2], 0));
        var second = new float[] { 1, 1, 1, 1 };
        penalties.Apply(second, _penalised, new TokenHistory([3], [], 0));

        Assert.That(second, Is.EqualTo(new[] { 1f, 1f, 1f, 0.25f }));
    }

    private static float[] Apply(SamplingParameters parameters, int[] committed, int[] tail, int promptLength = 0)
    {
        float[] scores = [1, 1, 1, 1];
        new TokenPenalties(4).Apply(scores, parameters, new TokenHistory(committed, tail, promptLength));
        return scores;
    }
}
