using Ppsd.Kernels.Devices;
using Ppsd.Kernels.Distillation.Compute;
using Ppsd.Tests.Support;

namespace Ppsd.Tests.Kernels.Distillation;

/// <summary>The loss against the target's most probable tokens, against its definition in double precision.</summary>
[TestFixtureSource(typeof(TrainingDeviceUnderTest), nameof(TrainingDeviceUnderTest.Names))]
[OnSimulator]
public sealed class TruncatedLossTests(string deviceName)
{
    private const int Count = 5;
    private const float Weight = 0.25f;

    private TrainingDeviceUnderTest _test = null!;

    private TrainingDevice Device => _test.Device;

    [SetUp]
    public void Open() => _test = TrainingDeviceUnderTest.Open(deviceName);

    [TearDown]
    public void Close() => _test.Dispose();

    [TestCase(true, 300, 8, 1f)]
    [TestCase(true, 37, 36, 6f)]
    [TestCase(false, 37, 1, 1f)]
    [TestCase(false, 300, 100, 6f)]
    [TestCase(true, 700, 600, 3f)]
    public void Losses(bool hybrid, int vocabSize, int tokens, float spread)
    {
        if (_test.IsSimulator && vocabSize > 37)
        {
            // Each of the search's rounds is a walk of all the group's threads, and small vocabularies take the same path.
            return;
        }

        var loss = hybrid ? DistillationLoss.Hybrid : DistillationLoss.KlCrossEntropy;
        int[] sources = [9, 0, 1, -1, 2, 3];
        int[] next = [0, 1, 5, 9, vocabSize - 1, 2];
        var target = Values(Count * vocabSize, 40, spread);
        var draft = Values(Count * vocabSize, 41, spread);
        var kept = Keep(target, vocabSize, tokens);
        var draftBuffer = _test.Rows(draft, Count);
        var results = _test.Poisoned(4, Count + 1);
        Device.TruncatedLoss(
            kept,
            draftBuffer,
            _test.Indices(sources),
            _test.Indices(next),
            1,
            Count,
            loss,
            Weight,
            results
        );
        var gradients = _test.Read(draftBuffer).Chunk(vocabSize).ToArray();
        var sums = _test.Read(results);
        for (var i = 0; i < Count; i++)
        {
            var u = target[(i * vocabSize)..((i + 1) * vocabSize)];
            var z = draft[(i * vocabSize)..((i + 1) * vocabSize)];
            double Result(int which) => sums[which * (Count + 1) + i + 1];
            if (sources[i + 1] < 0)
            {
                Assert.That(gradients[i], Has.All.Zero);
                Assert.That(Result(3), Is.Zero);
                continue;
            }

            var lambda = DoubleOps.TruncatedLambda(u, z, tokens);
            double Loss() => DoubleOps.TruncatedLoss(u, z, tokens, next[i + 1], loss, lambda);
            Assert.That(Result(0), Is.EqualTo(Loss()).Within(1e-3).Percent);
            Assert.That(Result(1), Is.EqualTo(-Math.Log(lambda) / 3).Within(1e-3).Percent);
            Assert.That(Result(2), Is.EqualTo(Best(u) == Best(z) ? 1 : 0));
            Assert.That(Result(3), Is.EqualTo(1));
            FiniteDifferences.AssertClose(
                gradients[i],
                FiniteDifferences.Gradient(z, () => Weight * Loss()),
                $"row {i}"
            );
        }
    }

    [Test]
    public void Of_equal_logits_the_lowest_tokens_are_kept()
    {
        double[] logits = [1, 2, 1, -3, 2, 1, 1];
        var kept = _test.Read(Keep([.. logits, .. logits.Select(logit => -logit)], 7, 4))[..9];
        Assert.That(kept[..4], Is.EqualTo(new double[] { 0, 1, 2, 4 }).AsCollection);
        var p = DoubleOps.Softmax(logits);
        double[] logs = [.. new[] { p[0], p[1], p[2], p[4], p[3] + p[5] + p[6] }.Select(one => Math.Log(one))];
        Assert.That(kept[4..], Is.EqualTo(logs).Within(1e-5).AsCollection);
    }

    /// <summary>What is kept of rows of logits, behind a row that is left alone.</summary>
    private Activations Keep(double[] logits, int vocabSize, int tokens)
    {
        var rows = logits.Length / vocabSize;
        var kept = _test.Zeros(rows + 1, 2 * tokens + 1);
        Device.KeepTop(_test.Rows(logits, rows), rows, 1, kept);
        var all = _test.Read(kept);
        Assert.That(all[..(2 * tokens + 1)], Has.All.Zero);
        return rows == Count ? kept : _test.Rows(all[(2 * tokens + 1)..], rows);
    }

    private static double[] Values(int count, int seed, float scale) =>
        [.. TestValues.BFloat16(count, seed, scale).Select(value => (double)value)];

    private static int Best(double[] logits) => Array.IndexOf(logits, logits.Max());
}
