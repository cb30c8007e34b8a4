using Ppsd.Actors.Cluster.Partitions;

namespace Ppsd.Tests.Actors.Cluster.Partitions;

/// <summary>Seeds are named by numbers in the order in which all nodes name them.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class OtherClusterTests
{
    private static readonly int[] _seeds = [1, 2, 3];

    [TestCase(new[] { 1 }, 2, 4, ExpectedResult = false, Description = "word of a new member may be on its way")]
    [TestCase(new[] { 1 }, 2, 5, ExpectedResult = true, Description = "the first seed alone goes to the others")]
    [TestCase(new[] { 9 }, 3, 5, ExpectedResult = true, Description = "a node that is not a seed goes too")]
    [TestCase(
        new[] { 2, 3 },
        1,
        29,
        ExpectedResult = false,
        Description = "the first seed may be alone and come by itself"
    )]
    [TestCase(new[] { 2, 3 }, 1, 30, ExpectedResult = true, Description = "the earlier seed has company too")]
    [TestCase(new[] { 1, 9 }, 2, 1000, ExpectedResult = false, Description = "the cluster of the earlier seed stays")]
    [TestCase(
        new[] { 8, 9 },
        3,
        30,
        ExpectedResult = true,
        Description = "a cluster without a seed goes to one with a seed"
    )]
    public bool A_cluster_is_left_for_another(int[] members, int seed, int seconds) =>
        OtherCluster.IsBetter(
            _seeds,
            members,
            new Dictionary<int, TimeSpan> { [seed] = TimeSpan.FromSeconds(seconds) }
        );

    [Test]
    public void Nobody_leaves_where_no_other_cluster_is_heard_of() =>
        Assert.That(OtherCluster.IsBetter(_seeds, [2], new Dictionary<int, TimeSpan>()), Is.False);
}
