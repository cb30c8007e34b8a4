using FsCheck;
using FsCheck.Fluent;
using Ppsd.Kernels.Sampling;
using Ppsd.Tests.Support;

namespace Ppsd.Tests.Kernels.Sampling;

/// <summary>Draws follow the target's distribution, filters keep what their definitions say, and nothing but the key decides.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class TokenSamplerTests
{
    private const int VocabSize = 100;

    private static readonly object[] _settings =
    [
        new SamplingParameters { Temperature = 1f, Seed = 1 },
        new SamplingParameters { Temperature = 0.6f, Seed = 2 },
        new SamplingParameters
        {
            Temperature = 1.5f,
            TopK = 7,
            Seed = 3,
        },
        new SamplingParameters
        {
            Temperature = 1f,
            TopP = 0.8f,
            Seed = 4,
        },
        new SamplingParameters
        {
            Temperature = 0.9f,
            MinP = 0.1f,
            Seed = 5,
        },
        new SamplingParameters
        {
            Temperature = 0.9f,
            TopK = 20,
            TopP = 0.9f,
            MinP = 0.02f,
            RepetitionPenalty = 1.3f,
            Seed = 6,
        },
    ];

    [TestCaseSource(nameof(_settings))]
    public void Draws_follow_the_filtered_distribution(SamplingParameters parameters)
    {
        var logits = TestValues.Normal(VocabSize, seed: 11, scale: 2f);
        int[] history = [3, 14, 15, 92, 65, 35, 89];
        var sampler = new TokenSampler(VocabSize);
        var counts = new int[VocabSize];
        for (var position = 0; position < 60_000; position++)
        {
            counts[sampler.Sample(logits, parameters, position, new TokenHistory(history, [], promptLength: 0))]++;
        }

        var deviation = ChiSquare.Deviation(counts, NaiveSampling.Distribution(logits, parameters, history));

        Assert.That(deviation, Is.LessThan(4));
    }

    [Test]
    public void A_sampler_that_ignores_the_filters_would_fail_the_test_above()
    {
        var logits = TestValues.Normal(VocabSize, seed: 11, scale: 2f);
        var sampler = new TokenSampler(VocabSize);
        var counts = new int[VocabSize];
        for (var position = 0; position < 60_000; position++)
        {
            counts[sampler.Sample(logits, new SamplingParameters { Temperature = 1f }, position, default)]++;
        }

        var other = NaiveSampling.Distribution(logits, new SamplingParameters { Temperature = 1.05f }, []);

        Assert.That(ChiSquare.Deviation(counts, other), Is.GreaterThan(4));
    }

    [Test]
    public void Filters_keep_exactly_what_their_definitions_keep()
    {
        var cases =
            from seed in Gen.Choose(1, 100_000)
            from topK in Gen.Elements(0, 1, 2, 5, 50, VocabSize)
            from topP in Gen.Elements(1f, 0.99f, 0.7f, 0.3f, 0.01f)
            from minP in Gen.Elements(0f, 0.05f, 0.5f, 1f)
            from temperature in Gen.Elements(0.3f, 1f, 3f)
            from scale in Gen.Elements(0.1f, 2f, 12f)
            select (
                seed,
                scale,
                new SamplingParameters
                {
                    Temperature = temperature,
                    TopK = topK,
                    TopP = topP,
                    MinP = minP,
                }
            );

        Prop.ForAll(
                cases.ToArbitrary(),
                c =>
                {
                    var (seed, scale, parameters) = c;
                    var logits = TestValues.Normal(VocabSize, seed, scale);
                    var expected = NaiveSampling.Distribution(logits, parameters, []);
                    var drafts = new DraftToken[VocabSize];
                    var count = new TokenSampler(VocabSize).SampleBest(logits, parameters, seed, default, drafts);
                    var kept = drafts[..count].Select(draft => draft.Token).Order();
                    return kept.SequenceEqual(Enumerable.Range(0, VocabSize).Where(token => expected[token] > 0));
                }
            )
            .Check(Config.QuickThrowOnFailure.WithMaxTest(300).WithReplay(20260924, 1));
    }

    [TestCaseSource(nameof(_settings))]
    public void The_best_draft_is_the_sampled_token_however_many_are_asked_for(SamplingParameters parameters)
    {
        var sampler = new TokenSampler(VocabSize);
        for (var position = 0; position < 200; position++)
        {
            var logits = TestValues.Normal(VocabSize, position + 1);
            var sampled = sampler.Sample(logits, parameters, position, default);
            foreach (var width in (int[])[1, 2, 8])
            {
                var drafts = new DraftToken[width];
                sampler.SampleBest(logits, parameters, position, default, drafts);
                Assert.That(drafts[0].Token, Is.EqualTo(sampled));
            }
        }
    }

    [Test]
    public void Seed_and_position_decide_and_nothing_else()
    {
        var logits = TestValues.Normal(VocabSize, seed: 5);
        var parameters = new SamplingParameters { Temperature = 1f, Seed = 9 };
        var inOrder = new TokenSampler(VocabSize);
        var backwards = new TokenSampler(VocabSize);
        var first = Enumerable.Range(0, 64).Select(p => inOrder.Sample(logits, parameters, p, default)).ToArray();
        var second = Enumerable
            .Range(0, 64)
            .Reverse()
            .Select(p => backwards.Sample(logits, parameters, p, default))
            .Reverse()
            .ToArray();

        Assert.That(second, Is.EqualTo(first));
        Assert.That(first.Distinct().Count(), Is.GreaterThan(5), "positions draw differently");
        Assert.That(
            Enumerable.Range(0, 64).Select(p => inOrder.Sample(logits, parameters with { Seed = 10 }, p, default)),
            Is.Not.EqualTo(first)
        );
    }

    [Test]
    public void Greedy_ties_go_to_the_lowest_id()
    {
        var logits = new float[VocabSize];
        logits[40] = logits[60] = 3f;

        Assert.That(new TokenSampler(VocabSize).Sample(logits, new SamplingParameters(), 0, default), Is.EqualTo(40));
    }

    /// <summary>From 1e-5 down a temperature is 0, whatever its type can hold; above it noise counts and nothing overflows.</summary>
    [Test]
    public void Temperatures_near_zero_are_zero_and_none_overflows()
    {
        var sampler = new TokenSampler(VocabSize);
        float[] near = [float.Epsilon, 1e-44f, 1e-40f, 1.2e-38f, 1e-30f, 1e-12f, 1e-6f, MathF.BitDecrement(1e-5f)];
        for (var position = 0; position < 20; position++)
        {
            // Ties at the top: noise would tell them apart, greedy draws do not.
            var logits = TestValues.Normal(VocabSize, position + 1, 8f).Select(logit => MathF.Round(logit)).ToArray();
            var greedy = sampler.Sample(logits, new SamplingParameters(), position, default);
            foreach (var temperature in near)
            {
                var parameters = new SamplingParameters
                {
                    Temperature = temperature,
                    TopK = 3,
                    TopP = 0.5f,
                    Seed = 4,
                };
                Assert.That(
                    sampler.Sample(logits, parameters, position, default),
                    Is.EqualTo(greedy),
                    $"{temperature}"
                );
                Assert.That(DrawSettings.Of(parameters), Is.EqualTo(DrawSettings.Of(new SamplingParameters())));
            }
        }

        foreach (var temperature in (float[])[1e-5f, 1e-4f, 0.01f, 1f, 100f])
        {
            var settings = DrawSettings.Of(new SamplingParameters { Temperature = temperature });
            Assert.That(settings.HasNoise && float.IsFinite(settings.Scale * 1e30f), $"{temperature}");
        }
    }

    [TestCase(1e-5f, 1f, 0f)]
    [TestCase(1f, 1e-45f, 0f)]
    [TestCase(1f, 1f, 1e-45f)]
    [TestCase(1f, 1f, 1.1754942e-38f)]
    public void The_smallest_filters_and_temperatures_draw_some_token_of_the_vocabulary(
        float temperature,
        float topP,
        float minP
    )
    {
        var logits = TestValues.Normal(VocabSize, seed: 3, scale: 4f);
        var parameters = new SamplingParameters
        {
            Temperature = temperature,
            TopP = topP,
            MinP = minP,
        };
        var drafts = new DraftToken[VocabSize];
        var kept = new TokenSampler(VocabSize).SampleBest(logits, parameters, 7, default, drafts);

        // The least top-p keeps the most probable token; the least min-p keeps all.
        Assert.That(kept, Is.EqualTo(topP < 1f ? 1 : VocabSize));
    }

    [TestCase(float.NaN)]
    [TestCase(float.PositiveInfinity)]
    public void Nothing_is_drawn_from_logits_that_are_not_finite(float wrong)
    {
        var sampler = new TokenSampler(VocabSize);
        foreach (var token in (int[])[0, 41, VocabSize - 1])
        {
            var logits = TestValues.Normal(VocabSize, seed: 5);
            logits[token] = wrong;
            foreach (SamplingParameters parameters in _settings.Prepend(new SamplingParameters()))
            {
                Assert.That(sampler.Sample(logits, parameters, 3, default), Is.EqualTo(TokenSampler.NoToken));
                Assert.That(sampler.SampleBest(logits, parameters, 3, default, new DraftToken[1]), Is.Zero);
                Assert.That(sampler.SampleBest(logits, parameters, 3, default, new DraftToken[4]), Is.Zero);
            }
        }
    }

    [Test]
    public void A_token_of_minus_infinity_cannot_come_and_alone_nothing_can()
    {
        var sampler = new TokenSampler(4);
        float[] one = [float.NegativeInfinity, -3f, float.NegativeInfinity, float.NegativeInfinity];
        var none = Enumerable.Repeat(float.NegativeInfinity, 4).ToArray();
        foreach (var temperature in (float[])[0f, 1f])
        {
            var parameters = new SamplingParameters { Temperature = temperature };
            Assert.That(sampler.SampleBest(one, parameters, 3, default, new DraftToken[3]), Is.EqualTo(1));
            Assert.That(sampler.Sample(one, parameters, 3, default), Is.EqualTo(1));
            Assert.That(sampler.Sample(none, parameters, 3, default), Is.EqualTo(TokenSampler.NoToken));
        }
    }

    [Test]
    public void A_repetition_penalty_counts_a_token_once_and_turns_negative_logits_down()
    {
        float[] logits = [1f, 1.2f, -1f, -1.1f];
        var parameters = new SamplingParameters { RepetitionPenalty = 1.5f };

        var sampler = new TokenSampler(4);
        Assert.That(
            sampler.Sample(logits, parameters, 5, new TokenHistory([1, 1, 1], [], promptLength: 0)),
            Is.EqualTo(0)
        );
        Assert.That(sampler.Sample(logits, parameters, 5, new TokenHistory([1], [0], promptLength: 0)), Is.EqualTo(1));
        Assert.That(
            sampler.Sample([-1f, -1.1f, -9f, -9f], parameters, 5, new TokenHistory([], [0], promptLength: 0)),
            Is.EqualTo(1)
        );
    }
}
