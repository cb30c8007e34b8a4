using Ppsd.Kernels.Sampling;
using Ppsd.Tests.Support;

namespace Ppsd.Tests.Kernels.Sampling;

public sealed class LogProbabilitiesTests
{
    [TestCase(1)]
    [TestCase(17)]
    [TestCase(4096)]
    public void They_are_the_log_softmax_of_the_logits(int vocabSize)
    {
        var random = new Random(3);
        var logits = Enumerable.Range(0, vocabSize).Select(_ => 20f * random.NextSingle() - 10f).ToArray();
        var top = new TokenLogProbability[Math.Min(20, vocabSize)];
        var token = random.Next(vocabSize);

        var chosen = new LogProbabilities(vocabSize).Read(logits, token, top);

        var logTotal = Math.Log(logits.Sum(logit => Math.Exp(logit)));
        var ranked = Enumerable.Range(0, vocabSize).OrderByDescending(id => logits[id]).Take(top.Length).ToArray();
        using (Assert.EnterMultipleScope())
        {
            Assert.That(chosen, Is.EqualTo(logits[token] - logTotal).Within(1e-5));
            Assert.That(top.Select(entry => entry.Token), Is.EqualTo(ranked));
            Assert.That(
                Numbers.RelativeError(
                    [.. top.Select(entry => entry.LogProbability)],
                    [.. ranked.Select(id => (float)(logits[id] - logTotal))]
                ),
                Is.LessThan(1e-5).Or.NaN,
                "all mass on one token has a log-probability of 0, and no relative error"
            );
        }
    }

    [Test]
    public void Ties_go_to_the_lowest_id()
    {
        var top = new TokenLogProbability[2];
        new LogProbabilities(4).Read([0f, 2f, 2f, 2f], 0, top);

        Assert.That(top.Select(entry => entry.Token), Is.EqualTo(new[] { 1, 2 }));
    }
}
