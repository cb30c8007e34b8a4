using Ppsd.Kernels.Devices;
using Ppsd.Kernels.Devices.Cpu;
using Ppsd.Kernels.Model;
using Ppsd.Kernels.Sampling;
using Ppsd.Kernels.Weights;
using Ppsd.Tests.Support;

namespace Ppsd.Tests.Kernels.Model;

/// <summary>A chain on a device goes on from the tokens that the device itself drew, with no word from the host between.</summary>
[OnSimulator]
public sealed class ChainDeviceTests
{
    private const int VocabSize = 99;
    private const int Depth = 3;

    private static readonly SamplingParameters _sampled = new() { Temperature = 0.8f, Seed = 3 };

    private static readonly SamplingParameters _penalised = new() { RepetitionPenalty = 1.3f };

    [TestCase(0)]
    [TestCase(30)]
    public void Drafts_are_the_hosts_from_the_same_logits_and_logits_those_of_the_CPU(int draftedTokens)
    {
        using var device = BackendUnderTest.Open("simulator");
        using var onDevice = Load(device.Backend, draftedTokens);
        using var cpu = new CpuBackend(threads: 1);
        using var onCpu = Load(cpu, draftedTokens);
        Enter(onDevice, hint: Depth);
        onDevice.RunExitHead(0, Depth);
        var sampler = new TokenSampler(VocabSize);
        var logits = new Dictionary<(int Row, int Step), float[]>();
        var given = new int[3 * (Depth - 1)];
        for (var row = 0; row < 3; row++)
        {
            for (var step = 0; step < Depth; step++)
            {
                logits[(row, step)] = onDevice.DraftLogits(row, step).ToArray();
                var drafts = new DraftToken[2];
                var count = onDevice.Draft(row, drafts, step);

                // The last session's penalties need the host, which hears of nothing before the chain has ended.
                Assert.That(count, Is.EqualTo(row == 2 && step > 0 ? 0 : 2));
                if (row < 2)
                {
                    var expected = new DraftToken[2];
                    sampler.SampleBest(logits[(row, step)], _sampled, Position(row) + 1 + step, default, expected);
                    Assert.That(drafts.Select(draft => draft.Token), Is.EqualTo(expected.Select(draft => draft.Token)));
                    Assert.That(
                        drafts[0].LogProbability,
                        Is.EqualTo(expected[0].LogProbability).Within(1e-3),
                        $"row {row}, step {step}"
                    );
                }

                if (step < Depth - 1)
                {
                    given[row * (Depth - 1) + step] = drafts[0].Token;
                }
            }
        }

        Enter(onDevice, hint: null);
        onDevice.RunChain(0, Depth, given);
        Enter(onCpu, hint: null);
        onCpu.RunChain(0, Depth, given);
        for (var row = 0; row < 2; row++)
        {
            for (var step = 0; step < Depth; step++)
            {
                Assert.That(onDevice.DraftLogits(row, step).ToArray(), Is.EqualTo(logits[(row, step)]));
                var listed = Listed(logits[(row, step)]);
                Assert.That(listed, Has.Length.EqualTo(draftedTokens == 0 ? VocabSize : draftedTokens));
                var error = Numbers.RelativeError(Listed(onCpu.DraftLogits(row, step).ToArray()), listed);
                Assert.That(error, Is.LessThan(2e-2), $"row {row}, step {step}");
            }
        }
    }

    [Test]
    public void Behind_a_token_that_has_not_entered_the_device_goes_on_as_from_the_candidate_before_it()
    {
        using var device = BackendUnderTest.Open("simulator");
        using var stage = Load(device.Backend);
        Enter(stage, hint: Depth);
        stage.RunExitHead(0, Depth);
        Assert.That(stage.DraftBehind(1, parent: 3, token: 50, Depth - 1));
        var drafts = new DraftToken[2];
        var behind = new float[Depth - 1][];
        var first = 0;
        for (var step = 0; step < Depth - 1; step++)
        {
            behind[step] = stage.DraftLogits(0, step).ToArray();
            Assert.That(stage.Draft(0, drafts, step), Is.EqualTo(2));
            var expected = new DraftToken[2];
            new TokenSampler(VocabSize).SampleBest(behind[step], _sampled, Position(1) + 2 + step, default, expected);
            Assert.That(drafts.Select(draft => draft.Token), Is.EqualTo(expected.Select(draft => draft.Token)));
            first = step == 0 ? drafts[0].Token : first;
        }

        Enter(stage, hint: null);
        stage.RunChain(1, Depth, [50, first, 0, 0]);
        for (var step = 1; step < Depth; step++)
        {
            Assert.That(stage.DraftLogits(1, step).ToArray(), Is.EqualTo(behind[step - 1]), $"step {step}");
        }
    }

    [Test]
    public void A_list_of_all_tokens_drafts_exactly_as_no_list()
    {
        using var device = BackendUnderTest.Open("simulator");
        var drafts = new List<DraftToken[]>();
        foreach (var draftedTokens in (int[])[0, VocabSize])
        {
            using var stage = Load(device.Backend, draftedTokens);
            Enter(stage, hint: Depth);
            stage.RunExitHead(0, Depth);
            var best = new DraftToken[2 * Depth];
            for (var step = 0; step < Depth; step++)
            {
                Assert.That(stage.Draft(1, best.AsSpan(2 * step, 2), step), Is.EqualTo(2));
            }

            drafts.Add(best);
        }

        Assert.That(drafts[1], Is.EqualTo(drafts[0]));
    }

    /// <summary>Logits of tokens that can be drafted.</summary>
    private static float[] Listed(float[] logits) => [.. logits.Where(logit => !float.IsNegativeInfinity(logit))];

    private static int Position(int row) => row == 2 ? 0 : 2 + row;

    /// <summary>A candidate, its child, and another session's first token, behind a prompt of two.</summary>
    private static void Enter(StageModel stage, int? hint)
    {
        stage.Release(1);
        stage.Release(2);
        stage.Open(1, capacity: 16, promptLength: 2, _sampled, maxDrafts: 2);
        stage.Open(2, capacity: 16, promptLength: 1, _penalised, maxDrafts: 2);
        stage.BeginStep();
        Assert.That(stage.TryAppend(1, 0, -1, token: 7, isCertain: true));
        Assert.That(stage.TryAppend(1, 1, 0, token: 3, isCertain: true));
        Assert.That(stage.Forward([], () => false));
        stage.RunExitHead(2, Depth);
        stage.BeginStep();
        Assert.That(stage.TryAppend(1, 2, 1, token: 40, isCertain: false));
        Assert.That(stage.TryAppend(1, 3, 2, token: 41, isCertain: false));
        Assert.That(stage.TryAppend(2, 0, -1, token: 5, isCertain: true));
        Assert.That(stage.Forward([], () => false, hint is null ? null : 0, draftDepth: hint ?? 1));
    }

    private static StageModel Load(Backend backend, int draftedTokens = 0)
    {
        var config = SyntheticPresets.Find("toy")! with
        {
            LayerCount = 2,
            HiddenSize = 32,
            IntermediateSize = 48,
            HeadCount = 2,
            KvHeadCount = 1,
            HeadSize = 16,
            VocabSize = VocabSize,
            MaxPositions = 64,
        };
        return StageModelLoader.Load(
            backend,
            new StageModelOptions
            {
                Synthetic = new SyntheticWeights(),
                Config = config,
                FirstLayer = 0,
                LayerCount = 1,
                KvCacheBytes = 1 << 20,
                MaxDepth = Depth,
                ExitHeads = [new(SyntheticPresets.ExitHead(config, exitLayer: 1, "chain", draftedTokens), null)],
            }
        );
    }
}
