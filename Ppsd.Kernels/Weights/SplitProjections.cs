using Ppsd.Kernels.Checkpoints;
using Ppsd.Kernels.Checkpoints.Configuration;

namespace Ppsd.Kernels.Weights;

/// <summary>
/// A model's weights with a tensor for each projection, under the names that a plain LLaMA has, where a family keeps several in
/// one. Owns nothing.
/// </summary>
/// <param name="model">The model's weights.</param>
/// <param name="config">Its shape.</param>
internal sealed class SplitProjections(WeightSource model, ModelConfig config) : WeightSource
{
    public override Weight Require(string name, params ReadOnlySpan<long> shape)
    {
        if (config.Layers.HasFusedProjections && PlaceOf(name) is { } place)
        {
            var whole = model.Require(place.Tensor, place.Rows, shape[^1]);
            return new SelectedRows(whole, shape[0], row => place.First + row);
        }

        return model.Require(name, shape);
    }

    public override bool Has(string name) => model.Has(name);

    public override void Dispose() { }

    /// <summary>The tensor that a projection is a part of, its rows, and the projection's first; null for other tensors.</summary>
    private (string Tensor, long Rows, long First)? PlaceOf(string name)
    {
        var (query, kv, inner) = (config.QuerySize, config.KvSize, config.IntermediateSize);
        for (var layer = 0; layer < config.LayerCount; layer++)
        {
            var names = LlamaTensorNames.Layer(layer);
            if (!name.StartsWith(names.Prefix, StringComparison.Ordinal))
            {
                continue;
            }

            return name == names.Query ? (names.QueryKeyValue, query + (2L * kv), 0)
                : name == names.Key ? (names.QueryKeyValue, query + (2L * kv), query)
                : name == names.Value ? (names.QueryKeyValue, query + (2L * kv), query + kv)
                : name == names.Gate ? (names.GateUp, 2L * inner, 0)
                : name == names.Up ? (names.GateUp, 2L * inner, inner)
                : null;
        }

        return null;
    }
}
