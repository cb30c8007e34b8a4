using Ppsd.Actors.Planning;
using Ppsd.Kernels.Catalog;
using Ppsd.Kernels.Model;

namespace Ppsd.Host.Runtime;

/// <summary>How much of a model a node holds where other nodes are missing.</summary>
internal static class StageCapacity
{
    /// <summary>
    /// Most layers whose weights, embedding and heads included, take no more than half of a device's memory: the other half is for
    /// keys, values and what steps are computed in.
    /// </summary>
    /// <param name="footprint">What a stage of some layers holds.</param>
    /// <param name="layerCount">Layers of the model.</param>
    /// <param name="memoryBytes">The device's memory.</param>
    public static int MostLayers(Func<LayerRange, StageFootprint> footprint, int layerCount, long memoryBytes) =>
        Enumerable
            .Range(1, layerCount)
            .Reverse()
            .FirstOrDefault(count =>
                // Wherever it stands: the first holds the embedding, the last the LM head.
                Math.Max(
                    footprint(new LayerRange(0, count)).WeightBytes,
                    footprint(new LayerRange(layerCount - count, count)).WeightBytes
                )
                <= memoryBytes / 2
            );

    /// <summary>The same of a node's own device.</summary>
    /// <param name="device">Its name.</param>
    public static int MostLayers(StageRuntimeFactory factory, int layerCount, string device) =>
        MostLayers(
            layers => StageFootprint.Of(factory.OptionsFor(layers, device)),
            layerCount,
            DeviceCatalog.MemoryBytes(device)
        );
}
