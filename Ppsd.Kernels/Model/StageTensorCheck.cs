using Ppsd.Kernels.Checkpoints;
using Ppsd.Kernels.Checkpoints.Configuration;
using Ppsd.Kernels.Checkpoints.Files;
using Ppsd.Kernels.Weights;

namespace Ppsd.Kernels.Model;

/// <summary>
/// Finds every tensor that <see cref="StageModelLoader"/> would load for a stage, and checks shape and type, without
/// reading weights: what cannot be loaded is refused before anybody waits for it.
/// </summary>
public static class StageTensorCheck
{
    /// <summary>Checks a stage of a model folder; a synthetic model has nothing to check.</summary>
    /// <exception cref="CheckpointException">A tensor is missing or does not fit; one line.</exception>
    public static void Require(StageModelOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (options.ModelFolder is not { } folder)
        {
            return;
        }

        var config = options.Config;
        using var checkpoint = Checkpoint.Open(folder);
        for (var i = 0; i < options.LayerCount; i++)
        {
            var names = LlamaTensorNames.Layer(options.FirstLayer + i);
            RequireLayer(checkpoint, names, config);
        }

        if (options.IsFirst || options.HoldsChain)
        {
            checkpoint.Require(config.EmbeddingTensor, config.VocabSize, config.HiddenSize);
        }

        if (options.IsLast || options.HoldsExitHead)
        {
            checkpoint.Require(config.LmHeadTensor, config.VocabSize, config.HiddenSize);
        }

        foreach (var head in options.HeldExitHeads)
        {
            RequireHead(head.Folder!, head.Config, config);
        }

        if (options.IsLast)
        {
            checkpoint.Require(LlamaTensorNames.FinalNorm, config.HiddenSize);
        }
    }

    private static void RequireHead(string folder, ExitHeadConfig head, ModelConfig config)
    {
        var hidden = config.HiddenSize;
        using var checkpoint = Checkpoint.Open(folder);
        for (var i = 0; i < head.LayerCount; i++)
        {
            RequireHeadLayer(checkpoint, ExitHeadTensorNames.Layer(i), config);
        }

        if (head.Kind == ExitHeadKind.Chain)
        {
            RequireHeadLayer(checkpoint, ExitHeadTensorNames.ChainLayer, config);
            checkpoint.Require(ExitHeadTensorNames.ChainInput, hidden, 2L * hidden);
        }

        if (head.Kind == ExitHeadKind.Mlp)
        {
            var inner = head.IntermediateSize ?? config.IntermediateSize;
            checkpoint.Require(ExitHeadTensorNames.MlpNorm, hidden);
            checkpoint.Require(ExitHeadTensorNames.MlpGate, inner, hidden);
            checkpoint.Require(ExitHeadTensorNames.MlpUp, inner, hidden);
            checkpoint.Require(ExitHeadTensorNames.MlpDown, hidden, inner);
        }

        checkpoint.Require(ExitHeadTensorNames.Norm, hidden);
    }

    private static void RequireHeadLayer(Checkpoint checkpoint, LlamaLayerTensorNames names, ModelConfig verifier)
    {
        var traits = TransformerLayer.TraitsOfHead(checkpoint.TensorNames.Contains, names, verifier);
        RequireLayer(checkpoint, names, verifier with { Layers = traits });
    }

    private static void RequireLayer(Checkpoint checkpoint, LlamaLayerTensorNames names, ModelConfig config)
    {
        foreach (var (name, shape) in LayerTensors.Of(names, config))
        {
            checkpoint.Require(name, shape);
        }
    }
}
