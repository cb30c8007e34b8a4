using Ppsd.Kernels.Checkpoints;
using Ppsd.Kernels.Checkpoints.Configuration;

namespace Ppsd.Kernels.Weights;

/// <summary>The projections of a layer that a family may keep in one tensor, each as a matrix of its own.</summary>
/// <param name="Query">[q, hidden], with elements as devices rotate them.</param>
/// <param name="Key">[kv, hidden], likewise.</param>
/// <param name="Value">[kv, hidden].</param>
/// <param name="Gate">[intermediate, hidden].</param>
/// <param name="Up">[intermediate, hidden].</param>
internal readonly record struct LayerProjections(Weight Query, Weight Key, Weight Value, Weight Gate, Weight Up)
{
    /// <summary>Finds them.</summary>
    /// <exception cref="Checkpoints.Files.CheckpointException">Something is missing or has another shape.</exception>
    public static LayerProjections Of(WeightSource source, LlamaLayerTensorNames names, ModelConfig config)
    {
        var (query, kv, inner, hidden) = (config.QuerySize, config.KvSize, config.IntermediateSize, config.HiddenSize);
        if (!config.Layers.HasFusedProjections)
        {
            return new(
                RotatedPairs.Arrange(source.Require(names.Query, query, hidden), config),
                RotatedPairs.Arrange(source.Require(names.Key, kv, hidden), config),
                source.Require(names.Value, kv, hidden),
                source.Require(names.Gate, inner, hidden),
                source.Require(names.Up, inner, hidden)
            );
        }

        var attention = source.Require(names.QueryKeyValue, query + (2L * kv), hidden);
        var feedForward = source.Require(names.GateUp, 2L * inner, hidden);
        return new(
            RotatedPairs.Arrange(Part(attention, 0, query), config),
            RotatedPairs.Arrange(Part(attention, query, kv), config),
            Part(attention, query + kv, kv),
            Part(feedForward, 0, inner),
            Part(feedForward, inner, inner)
        );
    }

    private static SelectedRows Part(Weight whole, long first, long count) => new(whole, count, row => first + row);
}
