using Ppsd.Actors.Planning;

namespace Ppsd.Actors.Cluster;

/// <summary>A node that offers to hold a stage.</summary>
/// <typeparam name="TNode">What identifies it.</typeparam>
/// <param name="WantedStage">Stage it asks for, from 0; -1 for any.</param>
/// <param name="Loaded">Layers it holds already, if any.</param>
/// <param name="IsSpare">True when it holds a stage only where no other node can.</param>
/// <param name="MostLayers">Layers that it holds where other nodes are missing; 0 for no more than planned.</param>
internal sealed record OfferedNode<TNode>(
    TNode Id,
    int WantedStage,
    LayerRange? Loaded,
    bool IsSpare = false,
    int MostLayers = 0
);

/// <summary>
/// Which node holds which stage: a node's requested stage first, then the node that already holds the layers (loading
/// is slow), then first come first served; spares where nobody else is left. Pure.
/// </summary>
internal static class StagePlacement
{
    /// <summary>A node for every stage, in order; null when some stage has none.</summary>
    /// <param name="offers">Nodes in the order they came.</param>
    public static IReadOnlyList<TNode>? Place<TNode>(StagePlan plan, IReadOnlyList<OfferedNode<TNode>> offers)
        where TNode : notnull
    {
        var placed = new OfferedNode<TNode>?[plan.Stages.Count];
        var free = offers.ToList();

        foreach (var isSpare in (ReadOnlySpan<bool>)[false, true])
        {
            Assign((offer, stage) => offer.IsSpare == isSpare && offer.WantedStage == stage);
            Assign(
                (offer, stage) =>
                    offer.IsSpare == isSpare && offer.WantedStage < 0 && offer.Loaded == plan.Stages[stage]
            );
            Assign((offer, _) => offer.IsSpare == isSpare && offer.WantedStage < 0 && offer.Loaded is null);
            Assign((offer, _) => offer.IsSpare == isSpare && offer.WantedStage < 0);
        }

        return Array.Exists(placed, offer => offer is null) ? null : [.. placed.Select(offer => offer!.Id)];

        void Assign(Func<OfferedNode<TNode>, int, bool> suits)
        {
            for (var stage = 0; stage < placed.Length; stage++)
            {
                if (placed[stage] is null && free.Find(offer => suits(offer, stage)) is { } chosen)
                {
                    placed[stage] = chosen;
                    free.Remove(chosen);
                }
            }
        }
    }
}
