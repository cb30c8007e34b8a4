namespace Ppsd.Actors.Cluster.Partitions;

/// <summary>
/// Decides whether a node leaves its cluster for another one that it hears of at a seed. A long partition makes two clusters of the same
/// nodes: the first seed, removed and alone, forms a new cluster, and Akka never merges the two. Pure.
/// </summary>
internal static class OtherCluster
{
    /// <summary>How long a lonely node hears of another cluster before it leaves. A new member shows up after some rounds of gossip.</summary>
    public static TimeSpan PatienceAlone { get; } = TimeSpan.FromSeconds(5);

    /// <summary>The same for a node in company: longer, so that a lonely node moves first.</summary>
    public static TimeSpan PatienceInCompany { get; } = TimeSpan.FromSeconds(30);

    /// <summary>True when this node leaves its cluster.</summary>
    /// <param name="seeds">This node's seeds in order. All nodes usually have the same list.</param>
    /// <param name="members">Members of this node's cluster that may host the coordinator, this node included.</param>
    /// <param name="heard">Seeds that are in another cluster, and for how long this node has known.</param>
    public static bool IsBetter<TNode>(
        IReadOnlyList<TNode> seeds,
        IReadOnlyCollection<TNode> members,
        IReadOnlyDictionary<TNode, TimeSpan> heard
    )
        where TNode : notnull
    {
        if (members.Count <= 1)
        {
            return heard.Values.Any(time => time >= PatienceAlone);
        }

        // The cluster with the earliest seed stays, so that both come to the same verdict.
        return seeds
            .TakeWhile(seed => !members.Contains(seed))
            .Any(seed => heard.GetValueOrDefault(seed) >= PatienceInCompany);
    }
}
