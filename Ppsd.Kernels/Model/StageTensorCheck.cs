using Ppsd.Kernels.Checkpoints;
using Ppsd.Kernels.Checkpoints.Configuration;
using Ppsd.Kernels.Checkpoints.Files;

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
            RequireAdditions(checkpoint, names, config);
        }

        if (options.IsFirst || options.HoldsChain)
        {
            checkpoint.Require(LlamaTensorNames.Embedding, config.VocabSize, config.HiddenSize);
        }

        if (options.IsLast || options.HoldsExitHead)
        {
            var name = LlamaTensorNames.LmHead(config.TieWordEmbeddings);
            checkpoint.Require(name, config.VocabSize, config.HiddenSize);
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
        var config = verifier with { Layers = traits };
        RequireLayer(checkpoint, names, config);
        RequireAdditions(checkpoint, names, config);
    }

    private static void RequireAdditions(Checkpoint checkpoint, LlamaLayerTensorNames names, ModelConfig config)
    {
        var traits = config.Layers;
        (bool IsThere, string Name, long Length)[] additions =
        [
            (traits.HasQueryKeyValueBias, LlamaLayerTensorNames.BiasOf(names.Query), config.QuerySize),
            (traits.HasQueryKeyValueBias, LlamaLayerTensorNames.BiasOf(names.Key), config.KvSize),
            (traits.HasQueryKeyValueBias, LlamaLayerTensorNames.BiasOf(names.Value), config.KvSize),
            (traits.HasOutputBias, LlamaLayerTensorNames.BiasOf(names.Output), config.HiddenSize),
            (traits.HasFeedForwardBias, LlamaLayerTensorNames.BiasOf(names.Gate), config.IntermediateSize),
            (traits.HasFeedForwardBias, LlamaLayerTensorNames.BiasOf(names.Up), config.IntermediateSize),
            (traits.HasFeedForwardBias, LlamaLayerTensorNames.BiasOf(names.Down), config.HiddenSize),
            (traits.HasHeadNorms, names.QueryNorm, config.HeadSize),
            (traits.HasHeadNorms, names.KeyNorm, config.HeadSize),
        ];
        foreach (var (_, name, length) in additions.Where(addition => addition.IsThere))
        {
            checkpoint.Require(name, length);
        }
    }

    private static void RequireLayer(Checkpoint checkpoint, LlamaLayerTensorNames names, ModelConfig config)
    {
        var hidden = config.HiddenSize;
        var inner = config.IntermediateSize;
        checkpoint.Require(names.InputNorm, hidden);
        checkpoint.Require(names.Output, hidden, config.QuerySize);
        checkpoint.Require(names.PostAttentionNorm, hidden);
        if (config.Layers.HasFusedProjections)
        {
            checkpoint.Require(names.QueryKeyValue, config.QuerySize + (2L * config.KvSize), hidden);
            checkpoint.Require(names.GateUp, 2L * inner, hidden);
        }
        else
        {
            checkpoint.Require(names.Query, config.QuerySize, hidden);
            checkpoint.Require(names.Key, config.KvSize, hidden);
            checkpoint.Require(names.Value, config.KvSize, hidden);
            checkpoint.Require(names.Gate, inner, hidden);
            checkpoint.Require(names.Up, inner, hidden);
        }

        checkpoint.Require(names.Down, hidden, inner);
    }
}
