using Ppsd.Kernels.Checkpoints;
using Ppsd.Kernels.Checkpoints.Configuration;

namespace Ppsd.Kernels.Weights;

/// <summary>The tensors that a model is made of, by its configuration.</summary>
public static class LayerTensors
{
    /// <summary>The tensors of a layer, with their shapes.</summary>
    /// <param name="names">Its names.</param>
    /// <param name="config">The model it belongs to; its traits are the layer's.</param>
    internal static IEnumerable<(string Name, long[] Shape)> Of(LlamaLayerTensorNames names, ModelConfig config)
    {
        long hidden = config.HiddenSize;
        long inner = config.IntermediateSize;
        long query = config.QuerySize;
        long kv = config.KvSize;
        var traits = config.Layers;
        (bool IsThere, string Name, long[] Shape)[] all =
        [
            (true, names.InputNorm, [hidden]),
            (true, names.Output, [hidden, query]),
            (true, names.PostAttentionNorm, [hidden]),
            (traits.HasFusedProjections, names.QueryKeyValue, [query + (2 * kv), hidden]),
            (traits.HasFusedProjections, names.GateUp, [2 * inner, hidden]),
            (!traits.HasFusedProjections, names.Query, [query, hidden]),
            (!traits.HasFusedProjections, names.Key, [kv, hidden]),
            (!traits.HasFusedProjections, names.Value, [kv, hidden]),
            (!traits.HasFusedProjections, names.Gate, [inner, hidden]),
            (!traits.HasFusedProjections, names.Up, [inner, hidden]),
            (true, names.Down, [hidden, inner]),
            (traits.HasQueryKeyValueBias, LlamaLayerTensorNames.BiasOf(names.Query), [query]),
            (traits.HasQueryKeyValueBias, LlamaLayerTensorNames.BiasOf(names.Key), [kv]),
            (traits.HasQueryKeyValueBias, LlamaLayerTensorNames.BiasOf(names.Value), [kv]),
            (traits.HasOutputBias, LlamaLayerTensorNames.BiasOf(names.Output), [hidden]),
            (traits.HasFeedForwardBias, LlamaLayerTensorNames.BiasOf(names.Gate), [inner]),
            (traits.HasFeedForwardBias, LlamaLayerTensorNames.BiasOf(names.Up), [inner]),
            (traits.HasFeedForwardBias, LlamaLayerTensorNames.BiasOf(names.Down), [hidden]),
            (traits.HasHeadNorms, names.QueryNorm, [config.HeadSize]),
            (traits.HasHeadNorms, names.KeyNorm, [config.HeadSize]),
        ];
        return all.Where(tensor => tensor.IsThere).Select(tensor => (tensor.Name, tensor.Shape));
    }

    /// <summary>
    /// The tensors of a checkpoint that the model's configuration has no use for, in ordinal order: they say that the
    /// configuration is another model's. Rotary frequencies, which early exports carry along, do not count.
    /// </summary>
    /// <param name="config">The model.</param>
    /// <param name="names">All tensors of its checkpoint.</param>
    public static IReadOnlyList<string> Unused(ModelConfig config, IEnumerable<string> names)
    {
        ArgumentNullException.ThrowIfNull(config);
        ArgumentNullException.ThrowIfNull(names);
        var used = Enumerable
            .Range(0, config.LayerCount)
            .SelectMany(layer => Of(LlamaTensorNames.Layer(layer), config))
            .Select(tensor => tensor.Name)
            .Concat([config.EmbeddingTensor, config.LmHeadTensor, LlamaTensorNames.FinalNorm]);
        return
        [
            .. names
                .Except(used)
                .Where(name => !name.EndsWith("rotary_emb.inv_freq", StringComparison.Ordinal))
                .Order(StringComparer.Ordinal),
        ];
    }
}
