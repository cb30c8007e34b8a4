using Ppsd.Kernels.Model;
using Ppsd.Kernels.Sampling;
using Ppsd.Kernels.Weights;
using Ppsd.Tests.Support;

namespace Ppsd.Tests.Kernels.Model;

/// <summary>The token does not depend on who draws it.</summary>
[NonParallelizable] // The simulator starts a thread for each of a card's: whatever ran beside it would starve.
public sealed class DeviceDrawTests
{
    [Test]
    public void A_stage_gives_the_verdicts_of_its_logits_whoever_draws()
    {
        var config = SyntheticPresets.Find("toy")! with
        {
            LayerCount = 1,
            HiddenSize = 32,
            IntermediateSize = 48,
            HeadCount = 2,
            KvHeadCount = 1,
            HeadSize = 16,
            VocabSize = 199,
        };
        var options = new StageModelOptions
        {
            Synthetic = new SyntheticWeights(),
            Config = config,
            FirstLayer = 0,
            LayerCount = 1,
            KvCacheBytes = 1 << 20,
        };
        using var device = BackendUnderTest.Open("simulator");
        using var stage = StageModelLoader.Load(device.Backend, options);
        SamplingParameters[] sessions =
        [
            new(),
            new() { Temperature = 0.8f, Seed = 5 },
            new()
            {
                Temperature = 0.8f,
                TopK = 20,
                TopP = 0.9f,
                Seed = 6,
            },
            // A penalty on what was generated before: nothing was, but only the host knows.
            new()
            {
                Temperature = 0.8f,
                Seed = 5,
                PresencePenalty = 1f,
            },
        ];
        stage.BeginStep();
        for (var session = 0; session < sessions.Length; session++)
        {
            stage.Open(session, capacity: 4, promptLength: 4, sessions[session]);
            Assert.That(stage.TryAppend(session, 0, -1, 7, isCertain: true));
        }

        Assert.That(stage.Forward([], () => false));
        stage.RunTargetHead(0);
        var verdicts = Enumerable.Range(0, sessions.Length).Select(stage.Verdict).ToArray();

        var sampler = new TokenSampler(config.VocabSize);
        for (var row = 0; row < sessions.Length; row++)
        {
            Assert.That(
                verdicts[row],
                Is.EqualTo(sampler.Sample(stage.TargetLogits(row), sessions[row], position: 1, default)),
                $"{sessions[row]}"
            );
        }

        Assert.That(verdicts[^1], Is.EqualTo(verdicts[1]));
    }
}
