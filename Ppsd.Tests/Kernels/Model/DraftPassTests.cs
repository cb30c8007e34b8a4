using Ppsd.Kernels.Checkpoints.Configuration;
using Ppsd.Kernels.Model;
using Ppsd.Kernels.Model.Drafting;
using Ppsd.Kernels.Model.Sublayers;
using Ppsd.Kernels.Sampling;
using Ppsd.Kernels.Weights;
using Ppsd.Tests.Support;

namespace Ppsd.Tests.Kernels.Model;

/// <summary>What rivals draft with: steps that skip sublayers, and norm heads apart from any stage.</summary>
[OnSimulator]
public sealed class DraftPassTests
{
    private static readonly int[] _tokens = [5, 9, 5];

    [TestCase("cpu")]
    [TestCase("simulator")]
    public void A_step_that_skips_everything_leaves_the_embedding_and_one_that_skips_nothing_all_bits(string device)
    {
        using var backend = BackendUnderTest.Open(device);
        var options = FirstLayers(device == "cpu" ? null : 2);
        using var model = StageModelLoader.Load(backend.Backend, options);
        var layers = options.LayerCount;
        var full = new SequenceRun(model, 16, id: 1).Feed(_tokens);
        model.Kept = Set(layers, isKept: true);
        var kept = new SequenceRun(model, 16, id: 2).Feed(_tokens);
        model.Kept = Set(layers, isKept: false);
        var empty = new SequenceRun(model, 16, id: 3).Feed(_tokens);
        var size = model.HiddenSize;
        using (Assert.EnterMultipleScope())
        {
            Assert.That(kept, Is.EqualTo(full), "bits");
            Assert.That(empty[..size], Is.EqualTo(empty[(2 * size)..]), "the same token at another position");
            Assert.That(empty[..size], Is.Not.EqualTo(empty[size..(2 * size)]));
        }
    }

    [Test]
    public void Devices_agree_in_a_step_that_skips_some_sublayers()
    {
        var results = new List<float[]>();
        var options = FirstLayers(2);
        foreach (var device in (string[])["cpu", "simulator"])
        {
            using var backend = BackendUnderTest.Open(device);
            using var model = StageModelLoader.Load(backend.Backend, options);
            var layers = options.LayerCount;
            model.Kept = new SublayerSet(
                [.. Enumerable.Range(0, layers).Select(layer => layer % 2 == 0)],
                [.. Enumerable.Range(0, layers).Select(layer => layer % 2 == 1)]
            );
            results.Add(new SequenceRun(model, 16).Feed(_tokens));
        }

        var scale = results[0].Max(Math.Abs);
        Assert.That(
            results[0].Zip(results[1]).Max(pair => Math.Abs(pair.First - pair.Second)),
            Is.LessThan(0.02 * scale)
        );
    }

    [TestCase("cpu", 0f)]
    [TestCase("cpu", 1f)]
    [TestCase("simulator", 0f)]
    [TestCase("simulator", 1f)]
    public void A_norm_head_with_the_models_own_norm_says_behind_the_last_layer_what_the_target_says(
        string device,
        float temperature
    )
    {
        var options = device == "cpu" ? FirstLayers(null) : Small();
        var sampling = new SamplingParameters { Temperature = temperature, Seed = 3 };
        using var backend = BackendUnderTest.Open(device);
        using var model = StageModelLoader.Load(backend.Backend, options);
        using var heads = LayerHeads.Load(
            backend.Backend,
            options with
            {
                ExitHeads =
                [
                    new ExitHeadSource(ExitHeadConfig.OfNorm(options.Config, 1), Folder: null) { HasOwnNorm = true },
                    new ExitHeadSource(ExitHeadConfig.OfNorm(options.Config, 2), Folder: null) { HasOwnNorm = true },
                ],
            },
            rows: 4
        );
        model.Open(1, 16, promptLength: 0, sampling);
        model.BeginStep();
        for (var i = 0; i < _tokens.Length; i++)
        {
            model.TryAppend(1, i, i - 1, _tokens[i], isCertain: true);
        }

        model.Forward([], () => false);
        var hidden = new byte[_tokens.Length * model.HiddenBytesPerRow];
        model.ReadHidden(hidden);
        model.RunTargetHead(0);
        var target = _tokens.Select((_, row) => model.Verdict(row)).ToList();
        var best = new DraftToken[_tokens.Length];
        heads.Run(1, hidden, firstPosition: 0, sampling, best);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(best.Select(draft => draft.Token), Is.EqualTo(target));
            Assert.That(best.Select(draft => draft.LogProbability), Has.All.InRange(-20f, 0f));
        }
    }

    /// <summary>So many layers of a bundled model; all of them when null.</summary>
    private static StageModelOptions FirstLayers(int? count) =>
        TestModels.Options(TestModels.Tiny, layerCount: count, maxRows: 8);

    /// <summary>A whole model that the simulator gets through in seconds.</summary>
    private static StageModelOptions Small()
    {
        var config = SyntheticPresets.Find("toy")! with
        {
            LayerCount = 3,
            HiddenSize = 32,
            IntermediateSize = 48,
            HeadCount = 2,
            KvHeadCount = 1,
            HeadSize = 16,
            VocabSize = 99,
            MaxPositions = 64,
        };
        return new StageModelOptions
        {
            Synthetic = new SyntheticWeights(),
            Config = config,
            FirstLayer = 0,
            LayerCount = config.LayerCount,
            MaxRows = 8,
            KvCacheBytes = 1 << 20,
        };
    }

    private static SublayerSet Set(int layers, bool isKept) =>
        new([.. Enumerable.Repeat(isKept, layers)], [.. Enumerable.Repeat(isKept, layers)]);
}
