using Ppsd.Host.Verification;
using Ppsd.Kernels.Model;
using Ppsd.Kernels.Sampling;
using Ppsd.Kernels.Weights;
using Ppsd.Tests.Support;

namespace Ppsd.Tests.Kernels.Model;

/// <summary>The text does not depend on who draws it.</summary>
[OnSimulator]
public sealed class DeviceDrawTests
{
    private const int VocabSize = 199;

    private static readonly StageModelOptions _options = new()
    {
        Synthetic = new SyntheticWeights(),
        Config = SyntheticPresets.Find("toy")! with
        {
            LayerCount = 1,
            HiddenSize = 32,
            IntermediateSize = 48,
            HeadCount = 2,
            KvHeadCount = 1,
            HeadSize = 16,
            VocabSize = VocabSize,
        },
        FirstLayer = 0,
        LayerCount = 1,
        KvCacheBytes = 1 << 20,
    };

    [Test]
    public void A_session_whose_draws_need_the_host_gets_the_text_that_the_device_draws()
    {
        using var device = BackendUnderTest.Open("simulator");
        using var stage = StageModelLoader.Load(device.Backend, _options);
        var filtered = new SamplingParameters
        {
            Temperature = 1.3f,
            TopK = 40,
            TopP = 0.95f,
            Seed = 6,
        };

        // Penalties too small to change a logit's bits: they only need the tokens before, which the device does not know.
        SamplingParameters[] sessions =
        [
            new(),
            new() { FrequencyPenalty = 1e-30f },
            filtered,
            filtered with
            {
                PresencePenalty = 1e-30f,
            },
        ];
        var texts = Generate(stage, sessions, length: 2);

        Assert.That(texts[1], Is.EqualTo(texts[0]));
        Assert.That(texts[3], Is.EqualTo(texts[2]));
        Assert.That(texts[2], Is.Not.EqualTo(texts[0]));
    }

    [Test]
    public void The_checks_of_a_cards_draws_pass_on_the_simulator()
    {
        using var device = BackendUnderTest.Open("simulator");
        using var run = new ModelRun([StageModelLoader.Load(device.Backend, _options)]);

        var finding = new DrawChecks(run, VocabSize, steps: 1).Run();

        Assert.That(finding.Passed, finding.Detail);
    }

    private static List<int>[] Generate(StageModel stage, SamplingParameters[] sessions, int length)
    {
        var sampler = new TokenSampler(VocabSize);
        var texts = sessions.Select(_ => new List<int> { 7 }).ToArray();
        for (var session = 0; session < sessions.Length; session++)
        {
            stage.Open(session, capacity: length + 1, promptLength: 1, sessions[session]);
        }

        for (var position = 0; position < length; position++)
        {
            stage.BeginStep();
            for (var session = 0; session < sessions.Length; session++)
            {
                var token = texts[session][position];
                Assert.That(stage.TryAppend(session, position, position - 1, token, isCertain: true));
            }

            Assert.That(stage.Forward([], () => false));
            stage.RunTargetHead(0);
            for (var row = 0; row < sessions.Length; row++)
            {
                texts[row].Add(stage.Verdict(row));
                var unpenalised = sessions[row] with { FrequencyPenalty = 0f, PresencePenalty = 0f };
                var expected = sampler.Sample(stage.TargetLogits(row), unpenalised, position + 1, default);
                Assert.That(texts[row][^1], Is.EqualTo(expected));
            }
        }

        return texts;
    }
}
