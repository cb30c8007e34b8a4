using Ppsd.Kernels.Checkpoints;
using Ppsd.Kernels.Checkpoints.Configuration;
using Ppsd.Kernels.Checkpoints.Tensors;
using Ppsd.Kernels.Devices.Cpu;
using Ppsd.Kernels.Model;
using Ppsd.Tests.Kernels.Checkpoints;
using Ppsd.Tests.Kernels.Ops;
using Ppsd.Tests.Support;

namespace Ppsd.Tests.Kernels.Model;

/// <summary>Each kind of exit head computes its formula of docs/exit-heads.md.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class ExitHeadTests
{
    private static readonly int[] _prompt = [1, 17, 300, 5, 44, 9, 120, 33];

    [TestCase(TestModels.Tiny, 6)]
    [TestCase(TestModels.Tiny3, 5)]
    [TestCase(TestModels.Qwen2, 5)]
    [TestCase(TestModels.Qwen3, 5)]
    [TestCase(TestModels.Mistral, 5)]
    [TestCase(TestModels.Bias, 5)]
    public void A_norm_head_after_the_last_layer_drafts_the_targets_very_logits(string model, int layers)
    {
        using var folder = new TemporaryFolder();
        ExitHeadFolder.WriteNorm(model, layers, folder.FullPath);

        AssertDraftsEqualTargets(model, folder.FullPath);
    }

    [TestCase(TestModels.Tiny, 2)]
    [TestCase(TestModels.Tiny, 5)]
    [TestCase(TestModels.Tiny3, 3)]
    [TestCase(TestModels.Qwen2, 2)]
    [TestCase(TestModels.Qwen3, 3)]
    [TestCase(TestModels.Mistral, 4)]
    [TestCase(TestModels.Bias, 3)]
    public void A_transformer_head_of_the_remaining_layers_drafts_the_targets_very_logits(string model, int exitLayer)
    {
        using var folder = new TemporaryFolder();
        ExitHeadFolder.WriteRemainingLayers(model, exitLayer, folder.FullPath);

        AssertDraftsEqualTargets(model, folder.FullPath);
    }

    [TestCase(1)]
    [TestCase(4)]
    public void Rows_nobody_drafts_from_enter_a_transformer_heads_cache_all_the_same(int headLayers)
    {
        const string Model = TestModels.Tiny;
        using var folder = new TemporaryFolder();
        var layers = ModelConfig.Read(TestModels.Folder(Model)).LayerCount;
        ExitHeadFolder.WriteRemainingLayers(Model, layers - headLayers, folder.FullPath);
        using var backend = new CpuBackend(threads: 1);
        using var stage = StageModelLoader.Load(backend, TestModels.Options(Model, exitHead: folder.FullPath));

        var drafted = LastDraftLogits(stage, id: 1, firstRow: 0);
        var undrafted = LastDraftLogits(stage, id: 2, firstRow: _prompt.Length - 1);

        Assert.That(undrafted, Is.EqualTo(drafted));
    }

    [Test]
    public void An_mlp_head_is_its_formula()
    {
        const int ExitLayer = 3;
        const int Inner = 40;
        const string Model = TestModels.Tiny;
        var config = ModelConfig.Read(TestModels.Folder(Model));
        var hidden = config.HiddenSize;
        var mlpNorm = TestValues.BFloat16(hidden, 1);
        var gate = TestValues.BFloat16(Inner * hidden, 2, 0.1f);
        var up = TestValues.BFloat16(Inner * hidden, 3, 0.1f);
        var down = TestValues.BFloat16(hidden * Inner, 4, 0.1f);
        var norm = TestValues.BFloat16(hidden, 5);
        using var folder = new TemporaryFolder();
        ExitHeadFolder.Write(
            Model,
            ExitLayer,
            "mlp",
            folder.FullPath,
            (writer, _) =>
                writer
                    .Add(ExitHeadTensorNames.MlpNorm, ElementType.BFloat16, [hidden], mlpNorm)
                    .Add(ExitHeadTensorNames.MlpGate, ElementType.BFloat16, [Inner, hidden], gate)
                    .Add(ExitHeadTensorNames.MlpUp, ElementType.BFloat16, [Inner, hidden], up)
                    .Add(ExitHeadTensorNames.MlpDown, ElementType.BFloat16, [hidden, Inner], down)
                    .Add(ExitHeadTensorNames.Norm, ElementType.BFloat16, [hidden], norm)
        );
        AddIntermediateSize(folder.FullPath, Inner);

        using var backend = new CpuBackend(threads: 1);
        using var stage = StageModelLoader.Load(
            backend,
            TestModels.Options(Model, layerCount: ExitLayer, exitHead: folder.FullPath)
        );
        var states = new SequenceRun(stage, 64).Feed(_prompt);
        stage.RunExitHead(firstRow: 0);

        using var checkpoint = Checkpoint.Open(TestModels.Folder(Model));
        var lmHead = Values(checkpoint.Require(config.LmHeadTensor));
        for (var row = 0; row < _prompt.Length; row++)
        {
            var h = states.AsSpan(row * hidden, hidden).ToArray();
            var n = ReferenceOps.RmsNorm(h, mlpNorm, config.RmsNormEpsilon);
            var inner = ReferenceOps.SwiGlu(ReferenceOps.MatMul(gate, n, Inner), ReferenceOps.MatMul(up, n, Inner));
            var after = ReferenceOps.MatMul(down, inner, hidden).Zip(h, (a, b) => a + b).ToArray();
            var expected = ReferenceOps.MatMul(
                lmHead,
                ReferenceOps.RmsNorm(after, norm, config.RmsNormEpsilon),
                config.VocabSize
            );
            Assert.That(Numbers.RelativeError(stage.DraftLogits(row), expected), Is.LessThan(1e-5));
        }
    }

    /// <summary>Draft logits after the prompt, of which all tokens but the last ran the head from a row on.</summary>
    private static float[] LastDraftLogits(StageModel stage, long id, int firstRow)
    {
        var run = new SequenceRun(stage, 64, id: id);
        run.Feed(_prompt.AsSpan()[..^1]);
        stage.RunExitHead(firstRow);
        run.Feed(_prompt[^1]);
        stage.RunExitHead(firstRow: 0);
        return stage.DraftLogits(0).ToArray();
    }

    private static void AssertDraftsEqualTargets(string model, string head)
    {
        using var backend = new CpuBackend(threads: 1);
        using var stage = StageModelLoader.Load(backend, TestModels.Options(model, exitHead: head));
        new SequenceRun(stage, 64).Feed(_prompt);
        stage.RunExitHead(firstRow: 0);
        var drafts = Enumerable.Range(0, _prompt.Length).Select(row => stage.DraftLogits(row).ToArray()).ToList();
        stage.RunTargetHead(firstRow: 0);

        for (var row = 0; row < _prompt.Length; row++)
        {
            Assert.That(drafts[row], Is.EqualTo(stage.TargetLogits(row).ToArray()));
        }
    }

    private static void AddIntermediateSize(string folder, int size)
    {
        var path = Path.Combine(folder, "config.json");
        var config = System.Text.Json.Nodes.JsonNode.Parse(File.ReadAllText(path))!.AsObject();
        config["intermediate_size"] = size;
        File.WriteAllText(path, config.ToJsonString());
    }

    private static float[] Values(Tensor tensor)
    {
        var values = new float[tensor.ElementCount];
        tensor.ReadRows(0, (int)tensor.RowCount, values);
        return values;
    }
}
