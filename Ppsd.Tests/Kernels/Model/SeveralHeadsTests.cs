using Ppsd.Kernels.Checkpoints.Configuration;
using Ppsd.Kernels.Devices;
using Ppsd.Kernels.Devices.Cpu;
using Ppsd.Kernels.Model;
using Ppsd.Kernels.Sampling;
using Ppsd.Kernels.Weights;
using Ppsd.Tests.Support;

namespace Ppsd.Tests.Kernels.Model;

/// <summary>Several exit heads in one stage: each drafts as it does alone.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class SeveralHeadsTests
{
    private const int Layers = 3;
    private static readonly int[] _prompt = [1, 17, 30, 5];
    private static readonly ModelConfig _config = SyntheticPresets.Find("toy")! with
    {
        LayerCount = Layers,
        VocabSize = 64,
    };

    private static readonly ExitHeadSource[] _heads =
    [
        Head(ExitHeadKind.Norm, exitLayer: 2),
        Head(ExitHeadKind.Norm, exitLayer: 1),
        Head(ExitHeadKind.Transformer, exitLayer: 1),
        Head(ExitHeadKind.Mlp, exitLayer: 3),
        Head(ExitHeadKind.Chain, exitLayer: 2),
    ];

    [Test]
    public void Heads_at_several_layers_draft_as_each_does_alone()
    {
        using var backend = new CpuBackend(threads: 1);
        AssertAlike(backend, () => new CpuBackend(threads: 1), depth: 3);
    }

    [Test]
    public void A_card_records_each_head_apart()
    {
        using var backend = new RecordedBackend();
        AssertAlike(backend, () => new RecordedBackend(), depth: 3);

        Assert.That(backend.Queued.Count(part => part.Part == StepPart.ExitHead), Is.EqualTo(_heads.Length));
    }

    [Test]
    public void A_stage_holds_the_heads_whose_layers_are_its_own()
    {
        var options = Options(_heads) with { FirstLayer = 1, LayerCount = 1 };

        Assert.That(options.HeldExitHeads, Is.EqualTo(new[] { _heads[0], _heads[4] }));
        Assert.That(StageFootprint.Of(options).WeightBytes, Is.GreaterThan(WithoutHeads(options)));

        static long WithoutHeads(StageModelOptions options) =>
            StageFootprint.Of(options with { ExitHeads = [] }).WeightBytes;
    }

    [Test]
    public void Two_chains_in_one_stage_are_refused()
    {
        using var backend = new CpuBackend(threads: 1);
        Assert.That(
            () => StageModelLoader.Load(backend, Options(_heads[4], _heads[4])),
            Throws.ArgumentException.With.Message.StartsWith(
                "exit heads of a stage: expected at most one chain, found 2"
            )
        );
    }

    private static void AssertAlike(Backend backend, Func<Backend> another, int depth)
    {
        using var all = StageModelLoader.Load(backend, Options(_heads));
        Assert.That((all.ExitHeadCount, all.DraftDepth), Is.EqualTo((_heads.Length, 6)));
        Draft(all, depth);
        for (var head = 0; head < _heads.Length; head++)
        {
            using var own = another();
            using var alone = StageModelLoader.Load(own, Options(_heads[head]));
            Draft(alone, depth);
            var steps = _heads[head].Config.Kind == ExitHeadKind.Chain ? depth : 1;
            for (var step = 0; step < steps; step++)
            {
                Assert.That(
                    all.DraftLogits(_prompt.Length - 1, step, head).ToArray(),
                    Is.EqualTo(alone.DraftLogits(_prompt.Length - 1, step).ToArray()),
                    $"head {head}, step {step}"
                );
                Assert.That(Best(all, step, head), Is.EqualTo(Best(alone, step, head: 0)));
            }
        }
    }

    /// <summary>A prompt in one step, drafted from at its last row.</summary>
    private static void Draft(StageModel stage, int depth)
    {
        stage.Open(1, capacity: 16, _prompt.Length, new(), maxDrafts: 2);
        stage.BeginStep();
        for (var i = 0; i < _prompt.Length; i++)
        {
            Assert.That(stage.TryAppend(1, candidate: i, parent: i - 1, _prompt[i], isCertain: true));
        }

        var row = _prompt.Length - 1;
        Assert.That(stage.Forward([], () => false, row, draftDepth: depth));
        stage.RunExitHead(row, depth);
    }

    private static DraftToken[] Best(StageModel stage, int step, int head)
    {
        var drafts = new DraftToken[2];
        var count = stage.Draft(_prompt.Length - 1, drafts, step, head);
        return drafts[..count];
    }

    private static StageModelOptions Options(params ExitHeadSource[] heads) =>
        new()
        {
            Synthetic = new SyntheticWeights(),
            Config = _config,
            FirstLayer = 0,
            LayerCount = Layers,
            KvCacheBytes = 1 << 20,
            ExitHeads = heads,
        };

    private static ExitHeadSource Head(ExitHeadKind kind, int exitLayer) =>
        new(
            SyntheticPresets.ExitHead(_config, exitLayer) with
            {
                Kind = kind,
                LayerCount = kind is ExitHeadKind.Transformer or ExitHeadKind.Chain ? 1 : 0,
            },
            null
        );
}
