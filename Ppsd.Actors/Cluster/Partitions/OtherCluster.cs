namespace Ppsd.Actors.Cluster.Partitions;

/// <summary>
/// Whether a node leaves its cluster for another one that stands at one of its seeds. Two clusters of the same nodes come about when a
/// partition lasts: the first seed, removed and alone, forms a cluster of its own, and Akka never joins the two. Pure.
/// </summary>
internal static class OtherCluster
{
    /// <summary>How long a node that is alone hears of another cluster before it leaves: word of a new member takes some rounds.</summary>
    public static TimeSpan PatienceAlone { get; } = TimeSpan.FromSeconds(5);

    /// <summary>The same for a node in company: longer, so that of two clusters a lonely node goes to the others.</summary>
    public static TimeSpan PatienceInCompany { get; } = TimeSpan.FromSeconds(30);

    /// <summary>True when this node leaves its cluster.</summary>
    /// <param name="seeds">All nodes name the same ones in the same order, as a rule.</param>
    /// <param name="members">Members of this node's cluster that may host the coordinator, itself among them.</param>
    /// <param name="heard">The seeds that are in another cluster, and for how long this node has heard so.</param>
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
