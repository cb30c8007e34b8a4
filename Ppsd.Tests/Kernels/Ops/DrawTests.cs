using Ppsd.Kernels.Devices;
using Ppsd.Kernels.Sampling;
using Ppsd.Tests.Support;

namespace Ppsd.Tests.Kernels.Ops;

/// <summary>A device draws the very tokens that the host draws from the same logits.</summary>
[OnSimulator]
public sealed class DrawTests
{
    /// <summary>One group, one and a part, and several; the last of them not full.</summary>
    [TestCase(37, 2)]
    [TestCase(2503, 1)]
    public void A_device_draws_what_the_host_draws(int vocabSize, int steps)
    {
        const int Rows = 8;
        for (var step = 0; step < steps; step++)
        {
            var seeds = Enumerable.Range(step * Rows, Rows).ToArray();
            AssertDrawsAreTheHosts(
                [.. seeds.Select(seed => Logits(vocabSize, seed))],
                [.. seeds.Select(seed => Parameters(seed))],
                step,
                Width
            );
        }
    }

    [TestCase(50)]
    [TestCase(1037)]
    public void A_device_keeps_what_the_hosts_filters_keep(int vocabSize)
    {
        SamplingParameters[] filters =
        [
            new() { TopK = 7 },
            new() { TopP = 0.7f },
            new() { MinP = 0.2f },
            new()
            {
                TopK = 30,
                TopP = 0.9f,
                MinP = 1e-4f,
            },
            new() { TopK = 5000, TopP = 0.99f },
        ];
        // More drafts than some filters leave tokens.
        AssertDrawsAreTheHosts(
            [.. filters.Select((_, row) => Logits(vocabSize, 1 + row * 5))],
            [.. filters.Select((filter, row) => filter with { Temperature = 0.5f + row, Seed = (ulong)row })],
            step: 0,
            _ => TokenDraws.MaxDrafts
        );
    }

    /// <summary>So flat that the least token kept is far down, and many more scores lie in question than a group has threads.</summary>
    [TestCase(0, 0.97f)]
    [TestCase(4500, 1f)]
    public void A_device_finds_a_threshold_among_many_scores(int topK, float topP)
    {
        var parameters = new SamplingParameters
        {
            Temperature = 1f,
            TopK = topK,
            TopP = topP,
        };

        AssertDrawsAreTheHosts([TestValues.Normal(9001, seed: 3, scale: 0.5f)], [parameters], step: 1, Width);
    }

    [Test]
    public void A_device_leaves_to_the_host_what_it_was_not_asked_for()
    {
        using var device = BackendUnderTest.Open("simulator");
        using var draws = device.Backend.AllocateDraws(2, 50)!;
        float[][] logits = [TestValues.Normal(50, 1), TestValues.Normal(50, 2)];
        Queue(device, draws, logits, [new(), new()], step: 0, drafts: row => 2 * row);

        Assert.That(draws.Read(0, new DraftToken[1]), Is.Zero);
        Assert.That(draws.Read(1, new DraftToken[2]), Is.EqualTo(2));
        Assert.That(draws.Read(1, new DraftToken[3]), Is.Zero);
    }

    /// <summary>A host that looks at such a row says what is wrong; the rows beside it are drawn as ever.</summary>
    [Test]
    public void A_device_draws_nothing_from_logits_that_are_not_finite()
    {
        const int VocabSize = 1100;
        using var device = BackendUnderTest.Open("simulator");
        using var draws = device.Backend.AllocateDraws(6, VocabSize)!;
        var logits = Enumerable.Range(0, 6).Select(row => TestValues.Normal(VocabSize, row + 1)).ToArray();
        logits[0][1090] = float.NaN;
        logits[1][3] = BitConverter.Int32BitsToSingle(0x7FC00001);
        logits[2][700] = float.PositiveInfinity;
        logits[3].AsSpan().Fill(float.NegativeInfinity);
        logits[4][9] = float.NegativeInfinity;
        var sampled = new SamplingParameters { Temperature = 0.8f, TopK = 40 };
        SamplingParameters[] parameters = [new(), sampled, sampled, new(), sampled, new()];
        Queue(device, draws, logits, parameters, step: 0, _ => 1);

        var sampler = new TokenSampler(VocabSize);
        var drawn = new DraftToken[1];
        for (var row = 0; row < 6; row++)
        {
            var expected = sampler.Sample(logits[row], parameters[row], Position(0, row), default);
            Assert.That(draws.Read(row, drawn), Is.EqualTo(row < 4 ? 0 : 1), $"row {row}");
            Assert.That(expected, Is.EqualTo(row < 4 ? TokenSampler.NoToken : drawn[0].Token), $"row {row}");
        }
    }

    private static void AssertDrawsAreTheHosts(
        float[][] logits,
        SamplingParameters[] parameters,
        int step,
        Func<int, int> drafts
    )
    {
        var vocabSize = logits[0].Length;
        using var device = BackendUnderTest.Open("simulator");
        using var draws = device.Backend.AllocateDraws(logits.Length, vocabSize)!;
        Queue(device, draws, logits, parameters, step, drafts);
        var sampler = new TokenSampler(vocabSize);
        for (var row = 0; row < logits.Length; row++)
        {
            var width = drafts(row);
            var expected = new DraftToken[width];
            var found = sampler.SampleBest(logits[row], parameters[row], Position(step, row), default, expected);
            var drawn = new DraftToken[width];

            Assert.That(draws.Read(row, drawn), Is.EqualTo(found), $"{parameters[row]}");
            for (var i = 0; i < found; i++)
            {
                Assert.That(drawn[i].Token, Is.EqualTo(expected[i].Token), $"draft {i} of {parameters[row]}");
                Assert.That(drawn[i].LogProbability, Is.EqualTo(expected[i].LogProbability).Within(1e-3));
            }
        }
    }

    private static void Queue(
        BackendUnderTest device,
        TokenDraws draws,
        float[][] logits,
        SamplingParameters[] parameters,
        int step,
        Func<int, int> drafts
    )
    {
        // A row before those of the logits: which row's wishes count must not depend on it.
        var batch = new StepBatch(logits.Length + 1);
        batch.Add(0, 0, 0, [], 0, [0]);
        for (var row = 0; row < logits.Length; row++)
        {
            batch.Add(0, Position(step, row) - 1, 0, [], 0, [0]);
            batch.Draws[row + 1] = new RowDraw(DrawSettings.Of(parameters[row]), drafts(row));
        }

        device.Backend.BeginStep(batch);
        draws.Queue(device.Rows(logits), firstRow: 1, logits.Length);
        draws.Expect();
    }

    private static int Width(int row) => row < 6 ? 1 : 3 * row - 15;

    private static int Position(int step, int row) => 1 + step * 1000 + row;

    private static float[] Logits(int vocabSize, int seed)
    {
        switch (seed % 6)
        {
            case 0:
                return TestValues.Peaky(vocabSize, seed);
            case 1:
                // Ties everywhere, and zeros of both signs.
                return [.. TestValues.Normal(vocabSize, seed).Select(value => MathF.Round(value) * 0.5f)];
            case 2:
                return TestValues.Normal(vocabSize, seed, 1e30f);
            case 3:
                return
                [
                    .. TestValues
                        .Normal(vocabSize, seed, 1e-30f)
                        .Select((value, token) => token % 2 == 0 ? value : float.NegativeInfinity),
                ];
            case 4:
                // The best are zeros of both signs.
                return
                [
                    .. Enumerable
                        .Range(0, vocabSize)
                        .Select(token =>
                            token % 3 == 1 ? -0f
                            : token % 5 == 4 ? 0f
                            : -1f
                        ),
                ];
            default:
                return TestValues.Normal(vocabSize, seed, 3f);
        }
    }

    private static SamplingParameters Parameters(int seed) =>
        seed % 4 == 0
            ? new SamplingParameters()
            : new SamplingParameters
            {
                Temperature = ((float[])[1f, 0.1f, 2.7f, 0.63f, 1e-6f, 2e-5f])[seed * 5 % 6],
                Seed = unchecked((ulong)seed * 0x9E3779B97F4A7C15),
            };
}
