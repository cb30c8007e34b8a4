using Ppsd.Actors.Planning;

namespace Ppsd.Actors.Cluster;

/// <summary>Which nodes hold which layers.</summary>
/// <typeparam name="TNode">What identifies a node.</typeparam>
/// <param name="Plan">The stages.</param>
/// <param name="Nodes">A node for each, in order.</param>
internal sealed record Placement<TNode>(StagePlan Plan, IReadOnlyList<TNode> Nodes);

/// <summary>
/// A pipeline of fewer stages than are planned, for a time in which nodes are missing: as many stages as there are nodes that
/// would hold more than their share, layers as even as their memory allows. Pure.
/// </summary>
internal static class ShrunkPlacement
{
    /// <summary>Layers and nodes; null where the nodes do not hold all layers together, or one would stand alone with none.</summary>
    /// <param name="layerCount">Layers of the model.</param>
    /// <param name="stagesPlanned">Stages of the whole pipeline; there are fewer here.</param>
    /// <param name="offers">Nodes in the order they came; those that say no number of layers hold only what is planned.</param>
    public static Placement<TNode>? Place<TNode>(
        int layerCount,
        int stagesPlanned,
        IReadOnlyList<OfferedNode<TNode>> offers
    )
        where TNode : notnull
    {
        var came = offers.Select((offer, place) => (offer, place)).ToDictionary(pair => pair.offer, pair => pair.place);

        // Nodes keep their order along the model, so that wishes and loaded layers stay near to what they were. Of more nodes
        // than stages those stay out that hold the least.
        var nodes = offers
            .Where(offer => offer.MostLayers > 0)
            .OrderBy(offer => offer.IsSpare)
            .ThenByDescending(offer => offer.MostLayers)
            .Take(Math.Min(stagesPlanned - 1, layerCount))
            .OrderBy(offer => offer.WantedStage < 0)
            .ThenBy(offer => offer.WantedStage)
            .ThenBy(offer => offer.Loaded?.First ?? int.MaxValue)
            .ThenBy(offer => came[offer])
            .ToList();
        return nodes.Count > 0 && nodes.Sum(node => (long)node.MostLayers) >= layerCount
            ? new Placement<TNode>(
                StagePlan.FromCounts(Counts(layerCount, [.. nodes.Select(node => node.MostLayers)]), layerCount),
                [.. nodes.Select(node => node.Id)]
            )
            : null;
    }

    /// <summary>Layers of each stage: one more for whichever has the fewest and can take another, until none is left over.</summary>
    private static int[] Counts(int layerCount, int[] most)
    {
        var counts = new int[most.Length];

        // As an even cut does: the first runs the exit head too, the last the LM head.
        int[] order = [.. Enumerable.Range(1, Math.Max(0, most.Length - 2)), most.Length - 1, 0];
        for (var layer = 0; layer < layerCount; layer++)
        {
            counts[order.Where(stage => counts[stage] < most[stage]).MinBy(stage => counts[stage])]++;
        }

        return counts;
    }
}
