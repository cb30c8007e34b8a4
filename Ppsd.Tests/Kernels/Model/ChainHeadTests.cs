using Ppsd.Kernels.Checkpoints.Configuration;
using Ppsd.Kernels.Checkpoints.Tensors;
using Ppsd.Kernels.Devices;
using Ppsd.Kernels.Devices.Cpu;
using Ppsd.Kernels.Model;
using Ppsd.Kernels.Sampling;
using Ppsd.Tests.Support;

namespace Ppsd.Tests.Kernels.Model;

/// <summary>A chain head computes its formula of docs/exit-heads.md, whatever rides along and however rows came to be.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class ChainHeadTests
{
    private const int Depth = ToyChain.Depth;

    private static readonly int[] _prompt = [1, 17, 30, 5, 44, 9, 12, 33];

    private static string Head => TestModels.Shared("models", "gsm-llama-exit4-chain");

    private static string Golden => TestModels.Shared("goldens", "gsm-llama-exit4-chain.golden.safetensors");

    [Test]
    public void Logits_of_every_step_are_those_of_the_reference()
    {
        using var backend = new CpuBackend(threads: 1);
        using var stage = LoadGsm(backend);
        using var file = SafetensorsFile.Open(Golden);
        var compared = 0;
        for (var text = 0; file.TryGet($"{text}.input_ids", out _); text++)
        {
            var ids = Integers(file, $"{text}.input_ids");
            var rows = Integers(file, $"{text}.rows");
            for (var i = 0; i < rows.Length; i++)
            {
                var run = new SequenceRun(stage, 128, id: text * 100 + i);
                run.Feed(ids.AsSpan(0, rows[i] + 1));
                stage.RunChain(rows[i], Depth, ids.AsSpan(rows[i] + 1, Depth - 1));
                for (var step = 0; step < Depth; step++)
                {
                    var tensor = file.Require($"{text}.chain_logits.{step}");
                    var expected = new float[tensor.RowLength];
                    tensor.ReadRow(i, expected);
                    var error = Numbers.RelativeError(stage.DraftLogits(rows[i], step), expected);
                    Assert.That(error, Is.LessThan(2e-4), $"text {text}, row {rows[i]}, step {step}");
                    compared++;
                }
            }
        }

        Assert.That(compared, Is.EqualTo(48));
    }

    [Test]
    public void A_chain_goes_on_from_its_own_best_tokens()
    {
        using var stage = ToyChain.Load(new CpuBackend(threads: 1));
        var own = DraftAlone(stage, id: 1, _prompt, new());
        var tokens = own.Select(step => step.Drafts[0].Token).ToArray();

        new SequenceRun(stage, 64, id: 2).Feed(_prompt);
        stage.RunChain(_prompt.Length - 1, Depth, tokens.AsSpan(0, Depth - 1));
        for (var step = 0; step < Depth; step++)
        {
            Assert.That(stage.DraftLogits(_prompt.Length - 1, step).ToArray(), Is.EqualTo(own[step].Logits));
        }

        Assert.That(tokens.Distinct().Count(), Is.GreaterThan(1));
    }

    [TestCase(true)]
    [TestCase(false)]
    public void Behind_a_token_that_has_not_entered_a_chain_drafts_as_from_the_candidate_before_it(bool isCommitted)
    {
        using var stage = ToyChain.Load(new CpuBackend(threads: 1));
        int[] text = [.. _prompt, 60];
        var behind = new List<(float[] Logits, int Token)>();
        new SequenceRun(stage, 64, id: 1).Feed(_prompt);
        stage.RunExitHead(_prompt.Length, Depth);
        stage.BeginStep();
        Assert.That(stage.TryAppend(1, 100, _prompt.Length - 1, 60, isCertain: false));
        Assert.That(stage.TryAppend(1, 101, _prompt.Length - 1, 70, isCertain: false));
        Assert.That(stage.Forward([], () => false));
        stage.RunExitHead(stage.RowCount, Depth);
        if (isCommitted)
        {
            Assert.That(stage.Commit(1, 100, text.Length));
        }

        // Twice: nothing of the first try may stay.
        foreach (var token in (int[])[13, 78])
        {
            behind.Clear();
            Assert.That(stage.DraftBehind(1, parent: 100, token, Depth - 1));
            for (var step = 0; step < Depth - 1; step++)
            {
                var drafts = new DraftToken[1];
                Assert.That(stage.Draft(0, drafts, step), Is.EqualTo(1));
                behind.Add((stage.DraftLogits(0, step).ToArray(), drafts[0].Token));
            }
        }

        new SequenceRun(stage, 64, id: 2).Feed(text);
        stage.RunChain(text.Length - 1, Depth, [78, .. behind.Take(Depth - 2).Select(step => step.Token)]);
        for (var step = 1; step < Depth; step++)
        {
            Assert.That(
                stage.DraftLogits(text.Length - 1, step).ToArray(),
                Is.EqualTo(behind[step - 1].Logits),
                $"step {step}"
            );
        }
    }

    [Test]
    public void Behind_an_unknown_candidate_or_past_the_last_position_nothing_is_drafted()
    {
        using var stage = ToyChain.Load(new CpuBackend(threads: 1));
        new SequenceRun(stage, 64, id: 1).Feed(_prompt);
        stage.RunExitHead(_prompt.Length, Depth);
        Assert.That(stage.DraftBehind(1, parent: 99, token: 5, Depth), Is.False);
        Assert.That(stage.DraftBehind(7, parent: 0, token: 5, Depth), Is.False);

        int[] full = [.. Enumerable.Range(0, stage.MaxLength).Select(i => i % 50)];
        var run = new SequenceRun(stage, full.Length, id: 2);
        run.Feed(full.AsSpan(0, full.Length - 1));
        stage.RunExitHead(full.Length - 1, Depth);
        Assert.That(stage.DraftBehind(2, parent: full.Length - 2, token: 5, Depth), Is.True);
        Assert.That(stage.Draft(0, new DraftToken[1]), Is.Zero, "no position is left for its drafts");
        run.Feed(full[^1]);
        stage.RunExitHead(1, Depth);
        Assert.That(stage.DraftBehind(2, parent: full.Length - 1, token: 5, Depth), Is.False, "nor for it");
    }

    [TestCase(1)]
    [TestCase(3)]
    public void Neither_chunks_nor_other_rows_nor_depth_change_a_bit(int chunk)
    {
        using var stage = ToyChain.Load(new CpuBackend(threads: 1));
        var alone = DraftAlone(stage, id: 1, _prompt, new());

        // The prompt in chunks, then its last token beside another session's, which drafts too.
        var run = new SequenceRun(stage, 64, id: 2);
        for (var start = 0; start < _prompt.Length - 1; start += chunk)
        {
            run.Feed(_prompt.AsSpan(start, Math.Min(chunk, _prompt.Length - 1 - start)));
            stage.RunExitHead(stage.RowCount, Depth);
        }

        stage.Open(3, capacity: 64, promptLength: 1, new());
        stage.BeginStep();
        Assert.That(stage.TryAppend(3, 0, -1, token: 50, isCertain: true));
        Assert.That(stage.TryAppend(2, _prompt.Length - 1, _prompt.Length - 2, _prompt[^1], isCertain: true));
        Assert.That(stage.Forward([], () => false));
        stage.RunExitHead(0, depth: 3);

        AssertSame(stage, row: 1, alone, depth: 3);
    }

    [Test]
    public void A_candidate_and_its_child_may_enter_together_and_a_sibling_changes_neither()
    {
        using var stage = ToyChain.Load(new CpuBackend(threads: 1));
        var parentAlone = DraftAlone(stage, id: 1, [.. _prompt, 60], new());
        var childAlone = DraftAlone(stage, id: 2, [.. _prompt, 60, 61], new());

        new SequenceRun(stage, 64, id: 3).Feed(_prompt);
        stage.RunExitHead(_prompt.Length, Depth);
        var last = _prompt.Length - 1;
        stage.BeginStep();
        Assert.That(stage.TryAppend(3, 100, last, 60, isCertain: false));
        Assert.That(stage.TryAppend(3, 101, last, 70, isCertain: false));
        Assert.That(stage.TryAppend(3, 102, 100, 61, isCertain: false));
        Assert.That(stage.Forward([], () => false));
        stage.RunExitHead(0, Depth);
        AssertSame(stage, row: 0, parentAlone, Depth);
        AssertSame(stage, row: 2, childAlone, Depth);

        // The sibling was right after all: what was drafted behind the other leaves no trace.
        Assert.That(stage.Rollback(3, 101, _prompt.Length + 1));
        var siblingAlone = DraftAlone(stage, id: 4, [.. _prompt, 70, 61], new());
        stage.BeginStep();
        Assert.That(stage.TryAppend(3, 103, 101, 61, isCertain: true));
        Assert.That(stage.Forward([], () => false));
        stage.RunExitHead(0, Depth);
        AssertSame(stage, row: 0, siblingAlone, Depth);
    }

    [TestCase(0.9f, 1f)]
    [TestCase(0.9f, 1.4f)]
    [TestCase(0f, 1.4f)]
    public void Each_step_draws_with_the_noise_of_its_position_and_the_tokens_before_it(
        float temperature,
        float penalty
    )
    {
        var sampling = new SamplingParameters
        {
            Temperature = temperature,
            RepetitionPenalty = penalty,
            Seed = 7,
        };
        using var stage = ToyChain.Load(new CpuBackend(threads: 1));
        var drafted = DraftAlone(stage, id: 1, _prompt, sampling);
        var sampler = new TokenSampler(drafted[0].Logits.Length);
        int[] history = [.. _prompt];
        for (var step = 0; step < Depth; step++)
        {
            var expected = new DraftToken[3];
            var count = sampler.SampleBest(
                drafted[step].Logits,
                sampling,
                _prompt.Length + step,
                new TokenHistory(history, [], promptLength: 0),
                expected
            );
            Assert.That(drafted[step].Drafts, Is.EqualTo(expected[..count]), $"step {step}");
            history = [.. history, expected[0].Token];
        }
    }

    [Test]
    public void A_session_of_width_one_gets_log_probabilities_too()
    {
        using var stage = ToyChain.Load(new CpuBackend(threads: 1));
        new SequenceRun(stage, 64).Feed(_prompt);
        stage.RunExitHead(_prompt.Length - 1, Depth);
        var draft = new DraftToken[1];
        for (var step = 0; step < Depth; step++)
        {
            Assert.That(stage.Draft(_prompt.Length - 1, draft, step), Is.EqualTo(1));
            Assert.That(draft[0].LogProbability, Is.LessThan(0f));
        }
    }

    [Test]
    public void Nothing_is_drafted_beyond_the_last_position()
    {
        using var backend = new CpuBackend(threads: 1);
        using var stage = ToyChain.Load(backend, positions: 10);
        new SequenceRun(stage, 10).Feed(_prompt);
        stage.RunExitHead(_prompt.Length - 1, Depth);
        var counts = Enumerable.Range(0, Depth).Select(step => stage.Draft(7, new DraftToken[2], step));

        // Positions 8 and 9 are left.
        Assert.That(counts, Is.EqualTo(new[] { 2, 2, 0, 0 }));
    }

    [Test]
    public void A_chain_in_a_later_stage_and_one_behind_the_last_layer_draft_the_same_way()
    {
        using var whole = ToyChain.Load(new CpuBackend(threads: 1), exitLayer: 3);
        using var first = ToyChain.Load(new CpuBackend(threads: 1), exitLayer: 3, layers: (0, 2));
        using var last = ToyChain.Load(new CpuBackend(threads: 1), exitLayer: 3, layers: (2, 1));
        var expected = DraftAlone(whole, id: 1, _prompt, new());

        new SequenceRun([first, last], 64).Feed(_prompt);
        last.RunExitHead(_prompt.Length - 1, Depth);

        Assert.That(first.HasExitHead, Is.False);
        AssertSame(last, _prompt.Length - 1, expected, Depth);
        last.RunTargetHead(_prompt.Length - 1);
        Assert.That(last.Verdict(_prompt.Length - 1), Is.InRange(0, 79));
    }

    [Test]
    public void A_card_records_a_chain_as_one_part_for_each_depth()
    {
        using var backend = new RecordedBackend();
        using var stage = ToyChain.Load(backend);
        var run = new SequenceRun(stage, 64);
        run.Feed(_prompt);
        stage.RunExitHead(_prompt.Length, Depth);
        backend.Queued.Clear();
        for (var step = 0; step < 3; step++)
        {
            run.Feed(20 + step);
            stage.RunExitHead(0, Depth);
        }

        run.Feed(30);
        stage.RunExitHead(0, depth: 2);
        Assert.That(
            backend.Queued.Where(part => part.Part == StepPart.ExitHead),
            Is.EqualTo(Enumerable.Repeat((StepPart.ExitHead, 1, 0), 4))
        );
    }

    [Test]
    public void Keys_values_and_features_of_a_chain_are_part_of_a_tokens_memory()
    {
        var config = ToyChain.Config(layers: 3, positions: 64);
        var plain = StageFootprint.Of(ToyChain.Options(config, exitLayer: 2, head: null));
        var chain = StageFootprint.Of(ToyChain.Options(config, exitLayer: 2, ExitHeadKind.Chain));

        // Two layers' keys and values, and features in fp32 where those may be bf16.
        Assert.That(
            chain.KvValuesPerToken - plain.KvValuesPerToken,
            Is.EqualTo(2 * 2 * config.KvSize + 2 * config.HiddenSize)
        );
        using var backend = new CpuBackend(threads: 1);
        Assert.That(
            StageModelLoader.KvBytesPerToken(backend, ToyChain.Options(config, exitLayer: 2, ExitHeadKind.Chain)),
            Is.EqualTo(4 * (2 * 5 * config.KvSize + config.HiddenSize))
        );
    }

    private static StageModel LoadGsm(Backend backend) =>
        StageModelLoader.Load(backend, TestModels.Options(TestModels.Gsm, layerCount: 4, exitHead: Head, maxRows: 128));

    /// <summary>What a session alone drafts behind a prompt that came as one step.</summary>
    private static List<(float[] Logits, DraftToken[] Drafts)> DraftAlone(
        StageModel stage,
        long id,
        int[] prompt,
        SamplingParameters sampling
    )
    {
        stage.Open(id, 64, promptLength: 0, sampling, maxDrafts: 3);
        stage.BeginStep();
        for (var i = 0; i < prompt.Length; i++)
        {
            Assert.That(stage.TryAppend(id, i, i - 1, prompt[i], isCertain: true));
        }

        Assert.That(stage.Forward([], () => false));
        stage.RunExitHead(prompt.Length - 1, Depth);
        var steps = new List<(float[], DraftToken[])>();
        for (var step = 0; step < Depth; step++)
        {
            var drafts = new DraftToken[3];
            var count = stage.Draft(prompt.Length - 1, drafts, step);
            steps.Add((stage.DraftLogits(prompt.Length - 1, step).ToArray(), drafts[..count]));
        }

        return steps;
    }

    private static void AssertSame(
        StageModel stage,
        int row,
        List<(float[] Logits, DraftToken[] Drafts)> expected,
        int depth
    )
    {
        for (var step = 0; step < depth; step++)
        {
            Assert.That(stage.DraftLogits(row, step).ToArray(), Is.EqualTo(expected[step].Logits), $"step {step}");
        }
    }

    private static int[] Integers(SafetensorsFile file, string name)
    {
        var tensor = file.Require(name);
        var values = new int[tensor.ElementCount];
        tensor.ReadRow(0, values);
        return values;
    }
}
