using Ppsd.Kernels.Checkpoints.Configuration;
using Ppsd.Kernels.Devices.Cpu;
using Ppsd.Kernels.Model;
using Ppsd.Kernels.Sampling;
using Ppsd.Kernels.Weights;
using Ppsd.Tests.Kernels.Checkpoints;
using Ppsd.Tests.Support;

namespace Ppsd.Tests.Kernels.Model;

/// <summary>A head with a list of tokens drafts these by their own ids, with the noise, penalties and biases of those ids.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class ListedHeadTests
{
    private const string Model = TestModels.Tiny;
    private const int Depth = 3;
    private const int Layers = 6;

    private static readonly int[] _prompt = [1, 17, 300, 5, 44, 9, 120, 33];

    private static readonly ModelConfig _config = ModelConfig.Read(TestModels.Folder(Model));

    private static readonly int[] _thirds = [.. Enumerable.Range(0, _config.VocabSize).Where(token => token % 3 == 1)];

    private static readonly SamplingParameters[] _samplings =
    [
        new(),
        new() { Temperature = 1, Seed = 5 },
        new()
        {
            Temperature = 1,
            Seed = 6,
            RepetitionPenalty = 1.4f,
            LogitBias = [new(100, 6), new(101, 6)],
        },
    ];

    [Test]
    public void A_list_of_all_tokens_drafts_exactly_as_no_list([Values("transformer", "chain")] string kind)
    {
        using var folder = new TemporaryFolder();
        WriteHead(kind, folder);
        foreach (var sampling in _samplings)
        {
            var expected = Drafts(folder, list: null, sampling);
            var found = Drafts(folder, [.. Enumerable.Range(0, _config.VocabSize)], sampling);
            Assert.That(found.Select(draft => draft.Logits), Is.EqualTo(expected.Select(draft => draft.Logits)));
            Assert.That(found.Select(draft => draft.Drafts), Is.EqualTo(expected.Select(draft => draft.Drafts)));
        }
    }

    [Test]
    public void Logits_of_listed_tokens_are_the_whole_heads_and_others_cannot_come()
    {
        using var folder = new TemporaryFolder();
        WriteHead("transformer", folder);
        var whole = Drafts(folder, list: null, new());
        var listed = Drafts(folder, _thirds, new());
        for (var token = 0; token < _config.VocabSize; token++)
        {
            var expected = token % 3 == 1 ? whole[0].Logits[token] : float.NegativeInfinity;
            Assert.That(listed[0].Logits[token], Is.EqualTo(expected), $"token {token}");
        }
    }

    [Test]
    public void Drafts_are_drawn_among_the_listed_by_their_own_ids([Values("transformer", "chain")] string kind)
    {
        using var folder = new TemporaryFolder();
        WriteHead(kind, folder);
        var sampler = new TokenSampler(_config.VocabSize);
        foreach (var sampling in _samplings)
        {
            int[] history = [.. _prompt];
            foreach (var (step, logits, drafts) in Drafts(folder, _thirds, sampling))
            {
                var expected = new DraftToken[4];
                sampler.SampleBest(
                    logits,
                    sampling,
                    _prompt.Length + step,
                    new TokenHistory(history, [], promptLength: 0),
                    expected
                );
                Assert.That(drafts, Is.EqualTo(expected), $"step {step}, {sampling}");
                Assert.That(drafts.Select(draft => draft.Token % 3), Has.All.EqualTo(1));

                // Probabilities are shares of the listed tokens' alone.
                Assert.That(drafts.Sum(draft => Math.Exp(draft.LogProbability)), Is.LessThanOrEqualTo(1.0001));
                history = [.. history, drafts[0].Token];
            }
        }
    }

    [Test]
    public void Where_logits_agree_the_draft_is_the_targets_token_whenever_it_is_listed()
    {
        using var folder = new TemporaryFolder();

        // The model's own last norm after its last layer: the head's logits are the target's, bit for bit.
        ExitHeadFolder.WriteNorm(Model, Layers, folder.FullPath);
        using var backend = new CpuBackend(threads: 1);
        using var stage = StageModelLoader.Load(backend, Options(folder, _thirds));
        var (inList, outside) = (0, 0);
        for (var seed = 0; seed < 60; seed++)
        {
            var sampling = new SamplingParameters { Temperature = seed % 4 == 0 ? 0 : 1, Seed = (ulong)seed };
            new SequenceRun(stage, 64, sampling, id: seed).Feed([.. _prompt, seed]);
            stage.RunExitHead(firstRow: 0);
            stage.RunTargetHead(firstRow: 0);
            for (var row = 0; row <= _prompt.Length; row++)
            {
                var draft = new DraftToken[1];
                Assert.That(stage.Draft(row, draft), Is.EqualTo(1));
                var token = stage.Verdict(row);
                var isListed = token % 3 == 1;
                Assert.That(draft[0].Token == token, Is.EqualTo(isListed), $"seed {seed}, row {row}");
                (inList, outside) = isListed ? (inList + 1, outside) : (inList, outside + 1);
            }

            stage.Release(seed);
        }

        Assert.That(inList, Is.GreaterThan(20));
        Assert.That(outside, Is.GreaterThan(20));
    }

    [Test]
    public void A_stage_whose_heads_have_lists_holds_only_their_rows_of_the_LM_head()
    {
        using var folder = new TemporaryFolder();
        WriteHead("transformer", folder);
        var whole = Options(folder, list: null) with { LayerCount = 3 };
        var listed = Options(folder, _thirds) with { LayerCount = 3 };
        var saved = 2L * (_config.VocabSize - _thirds.Length) * _config.HiddenSize;

        Assert.That(
            StageFootprint.Of(whole).WeightBytes - StageFootprint.Of(listed).WeightBytes,
            Is.EqualTo(saved),
            "bf16 weights of a first stage"
        );
        Assert.That(
            StageFootprint.Of(listed).ScratchBytes - StageFootprint.Of(whole).ScratchBytes,
            Is.EqualTo(4L * _thirds.Length * listed.MaxWidth)
        );
        Assert.That(StageFootprint.Of(listed).KvValuesPerToken, Is.EqualTo(StageFootprint.Of(whole).KvValuesPerToken));

        using var backend = new CpuBackend(threads: 1);
        using var wholeStage = StageModelLoader.Load(backend, whole);
        using var listedStage = StageModelLoader.Load(backend, listed);
        Assert.That(wholeStage.WeightBytes - listedStage.WeightBytes, Is.GreaterThan(saved / 2));
    }

    [Test]
    public void A_chain_of_a_tied_model_has_its_embedding_in_whatever_stage()
    {
        var config = SyntheticPresets.Find("toy")! with { LayerCount = 3, TieWordEmbeddings = true };
        var head = SyntheticPresets.ExitHead(config, exitLayer: 2, "chain", draftedTokens: 50);
        var options = new StageModelOptions
        {
            Synthetic = new SyntheticWeights(),
            Config = config,
            FirstLayer = 1,
            LayerCount = 1,
            KvCacheBytes = 1 << 20,
            ExitHeads = [new(head, null)],
        };
        using var backend = new CpuBackend(threads: 1);
        using var first = StageModelLoader.Load(backend, options with { FirstLayer = 0, ExitHeads = [] });
        using var stage = StageModelLoader.Load(backend, options);
        new SequenceRun([first, stage], 64).Feed(3, 4, 5);
        stage.RunExitHead(firstRow: 2, Depth);
        for (var step = 0; step < Depth; step++)
        {
            var drafts = new DraftToken[2];
            Assert.That(stage.Draft(2, drafts, step), Is.EqualTo(2));
            Assert.That(drafts.Select(draft => draft.Token), Is.SubsetOf(head.Vocabulary!.Tokens.ToArray()));
        }
    }

    private static void WriteHead(string kind, TemporaryFolder folder)
    {
        if (kind == "chain")
        {
            ExitHeadFolder.WriteChain(Model, exitLayer: 3, folder.FullPath);
        }
        else
        {
            ExitHeadFolder.WriteRemainingLayers(Model, exitLayer: 3, folder.FullPath);
        }
    }

    private static StageModelOptions Options(TemporaryFolder folder, int[]? list)
    {
        var head = ExitHeadConfig.Read(folder.FullPath) with
        {
            Vocabulary = list is null ? null : DraftVocabulary.Of(list),
        };
        return TestModels.Options(Model) with
        {
            ExitHeads = [new ExitHeadSource(head, folder.FullPath)],
            MaxDepth = Depth,
        };
    }

    /// <summary>What a head drafts behind the prompt, step by step.</summary>
    private static List<(int Step, float[] Logits, DraftToken[] Drafts)> Drafts(
        TemporaryFolder folder,
        int[]? list,
        SamplingParameters sampling
    )
    {
        using var backend = new CpuBackend(threads: 1);
        using var stage = StageModelLoader.Load(backend, Options(folder, list));
        stage.Open(1, 64, promptLength: 0, sampling, maxDrafts: 4);
        stage.BeginStep();
        for (var i = 0; i < _prompt.Length; i++)
        {
            Assert.That(stage.TryAppend(1, i, i - 1, _prompt[i], isCertain: true));
        }

        Assert.That(stage.Forward([], () => false));
        stage.RunExitHead(_prompt.Length - 1, Depth);
        var steps = new List<(int, float[], DraftToken[])>();
        for (var step = 0; step < stage.DraftDepth; step++)
        {
            var drafts = new DraftToken[4];
            Assert.That(stage.Draft(_prompt.Length - 1, drafts, step), Is.EqualTo(4));
            steps.Add((step, stage.DraftLogits(_prompt.Length - 1, step).ToArray(), drafts));
        }

        return steps;
    }
}
