using Ppsd.Kernels.Checkpoints;
using Ppsd.Kernels.Checkpoints.Configuration;
using Ppsd.Kernels.Checkpoints.Tensors;
using Ppsd.Kernels.Devices.Cpu;
using Ppsd.Kernels.Model;
using Ppsd.Tests.Kernels.Checkpoints;
using Ppsd.Tests.Kernels.Ops;
using Ppsd.Tests.Support;

namespace Ppsd.Tests.Kernels.Model;

/// <summary>Exit heads of every kind on a model of a family: each says whether the head drafts what it must.</summary>
internal sealed class FamilyHeads(CpuBackend backend, string model)
{
    private const int ChainDepth = 4;
    private const float FormulaTolerance = 1e-5f;

    private readonly ModelConfig _config = ModelConfig.Read(TestModels.Folder(model));
    private readonly int[] _prompt = Golden.Read(model)[1].InputIds;

    /// <summary>The model's own norm after its last layer drafts the target's very logits.</summary>
    public bool NormDraftsTargets() =>
        DraftsTargets(folder => ExitHeadFolder.WriteNorm(model, _config.LayerCount, folder));

    /// <summary>Its own last two layers and norm do too.</summary>
    public bool TransformerDraftsTargets() =>
        DraftsTargets(folder => ExitHeadFolder.WriteRemainingLayers(model, _config.LayerCount - 2, folder));

    /// <summary>
    /// A chain's first step drafts the target's very logits, and all its steps have the same bits when the prompt came in chunks.
    /// </summary>
    public bool ChainDraftsTargetsAndGoesOnAlike()
    {
        using var folder = new TemporaryFolder();
        ExitHeadFolder.WriteChain(model, _config.LayerCount - 2, folder.FullPath);
        StageTensorCheck.Require(TestModels.Options(model, exitHead: folder.FullPath));
        using var stage = Load(folder.FullPath, _config.LayerCount);
        var whole = Chain(stage, id: 1, _prompt.Length);
        stage.RunTargetHead(stage.RowCount - 1);
        var target = stage.TargetLogits(stage.RowCount - 1).ToArray();
        var chunked = Chain(stage, id: 2, chunk: 3);
        return whole[0].SequenceEqual(target)
            && whole.Zip(chunked).All(step => step.First.SequenceEqual(step.Second))
            && whole.All(logits => logits.All(float.IsFinite));
    }

    /// <summary>An MLP head of keyed weights computes its formula, in the plain operations of the tests.</summary>
    public bool MlpIsItsFormula()
    {
        var (hidden, inner, layer) = (_config.HiddenSize, _config.IntermediateSize, _config.LayerCount - 2);
        var entry = TestValues.BFloat16(hidden, 1);
        var gate = TestValues.BFloat16(inner * hidden, 2, 0.1f);
        var up = TestValues.BFloat16(inner * hidden, 3, 0.1f);
        var down = TestValues.BFloat16(hidden * inner, 4, 0.1f);
        var norm = TestValues.BFloat16(hidden, 5);
        using var folder = new TemporaryFolder();
        ExitHeadFolder.Write(
            model,
            layer,
            "mlp",
            folder.FullPath,
            (writer, _) =>
                writer
                    .Add(ExitHeadTensorNames.MlpNorm, ElementType.BFloat16, [hidden], entry)
                    .Add(ExitHeadTensorNames.MlpGate, ElementType.BFloat16, [inner, hidden], gate)
                    .Add(ExitHeadTensorNames.MlpUp, ElementType.BFloat16, [inner, hidden], up)
                    .Add(ExitHeadTensorNames.MlpDown, ElementType.BFloat16, [hidden, inner], down)
                    .Add(ExitHeadTensorNames.Norm, ElementType.BFloat16, [hidden], norm)
        );
        using var stage = Load(folder.FullPath, layer);
        var states = new SequenceRun(stage, 64).Feed(_prompt);
        stage.RunExitHead(_prompt.Length - 1);

        // What a block adds is multiplied as in the model's own layers; the states that stages hold are divided by it.
        var by = (float)_config.Layers.ResidualMultiplier;
        float[] state = [.. states[^hidden..].Select(value => value * by)];
        var epsilon = _config.RmsNormEpsilon;
        var normed = ReferenceOps.RmsNorm(state, entry, epsilon);
        var product = ReferenceOps.SwiGlu(
            ReferenceOps.MatMul(gate, normed, inner),
            ReferenceOps.MatMul(up, normed, inner)
        );
        var after = ReferenceOps.MatMul(down, product, hidden).Zip(state, (added, h) => h + (added * by)).ToArray();
        using var checkpoint = Checkpoint.Open(TestModels.Folder(model));
        var table = checkpoint.Require(_config.LmHeadTensor);
        var lmHead = new float[table.ElementCount];
        table.ReadRows(0, (int)table.RowCount, lmHead);
        var logits = ReferenceOps.MatMul(lmHead, ReferenceOps.RmsNorm(after, norm, epsilon), _config.VocabSize);
        float[] expected = [.. logits.Select(logit => (float)(logit / _config.Layers.LogitsDivisor))];
        return Numbers.RelativeError(stage.DraftLogits(_prompt.Length - 1), expected) < FormulaTolerance;
    }

    private bool DraftsTargets(Action<string> write)
    {
        using var folder = new TemporaryFolder();
        write(folder.FullPath);
        using var stage = Load(folder.FullPath, _config.LayerCount);
        var run = new SequenceRun(stage, _prompt.Length);
        run.Feed(_prompt);
        stage.RunExitHead(_prompt.Length - 1);
        var draft = stage.DraftLogits(_prompt.Length - 1).ToArray();
        return draft.SequenceEqual(run.Logits(1)[0]);
    }

    /// <summary>Logits of all steps after the prompt.</summary>
    private float[][] Chain(StageModel stage, long id, int chunk)
    {
        var run = new SequenceRun(stage, _prompt.Length + ChainDepth, id: id);
        var parts = _prompt.Chunk(chunk).ToArray();
        foreach (var (i, part) in parts.Index())
        {
            run.Feed(part);
            stage.RunExitHead(i == parts.Length - 1 ? part.Length - 1 : part.Length, ChainDepth);
        }

        var row = stage.RowCount - 1;
        return [.. Enumerable.Range(0, ChainDepth).Select(step => stage.DraftLogits(row, step).ToArray())];
    }

    private StageModel Load(string head, int layers) =>
        StageModelLoader.Load(backend, TestModels.Options(model, layerCount: layers, exitHead: head));
}
