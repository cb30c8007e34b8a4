using Ppsd.Actors.Cluster;
using Ppsd.Actors.Planning;

namespace Ppsd.Tests.Actors.Cluster;

/// <summary>Which nodes hold which layers while some are missing.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class ShrunkPlacementTests
{
    private const int Layers = 16;
    private const int Planned = 4;

    [TestCase(1)]
    [TestCase(2)]
    [TestCase(3)]
    public void Nodes_with_memory_for_all_get_an_even_cut(int count)
    {
        var placed = Place([.. "abc"[..count].Select(name => Node($"{name}"))])!;
        Assert.That(placed.Plan.Stages, Is.EqualTo(StagePlan.Even(Layers, count).Stages));
        Assert.That(string.Concat(placed.Nodes), Is.EqualTo("abc"[..count]));
    }

    [Test]
    public void One_that_can_hold_little_leaves_the_rest_to_others() =>
        Assert.That($"{Place([Node("a"), Node("b", most: 3), Node("c")])!.Plan}", Is.EqualTo("6,3,7"));

    [Test]
    public void Layers_that_fit_nowhere_make_no_pipeline()
    {
        Assert.That(Place([Node("a", most: 5), Node("b", most: 5), Node("c", most: 5)]), Is.Null);
        Assert.That(
            $"{Place([Node("a", most: 5), Node("b", most: 5), Node("c", most: 6)])!.Plan}",
            Is.EqualTo("5,5,6")
        );
        Assert.That(Place([]), Is.Null);
    }

    [Test]
    public void A_node_that_does_not_say_what_it_holds_gets_nothing()
    {
        Assert.That(Place([Node("a", most: 0), Node("b")])!.Nodes, Is.EqualTo((string[])["b"]));
        Assert.That(Place([Node("a", most: 0)]), Is.Null);
    }

    [Test]
    public void Nodes_stand_along_the_model_as_they_wish_and_then_as_they_did()
    {
        Assert.That(
            Place([Node("new"), Node("d", loaded: 3), Node("b", loaded: 1)])!.Nodes,
            Is.EqualTo((string[])["b", "d", "new"])
        );
        Assert.That(
            Place([Node("c", wanted: 2), Node("b", loaded: 1), Node("a", wanted: 0)])!.Nodes,
            Is.EqualTo((string[])["a", "c", "b"])
        );
    }

    [Test]
    public void There_are_fewer_stages_than_planned_whoever_is_there()
    {
        var placed = Place([Node("a", wanted: 1), Node("b", wanted: 1, most: 4), Node("c"), Node("d")])!;
        Assert.That(placed.Nodes, Is.EqualTo((string[])["a", "c", "d"]));
    }

    [Test]
    public void Any_nodes_that_get_a_pipeline_hold_every_layer_once_and_none_more_than_it_can()
    {
        var random = new Random(7);
        for (var round = 0; round < 500; round++)
        {
            var layers = random.Next(2, 40);
            var planned = random.Next(2, Math.Min(layers, 8) + 1);
            List<OfferedNode<string>> nodes =
            [
                .. Enumerable.Range(0, random.Next(1, 9)).Select(i => Node($"{i}", most: random.Next(0, layers + 1))),
            ];
            var most = nodes.ToDictionary(node => node.Id, node => node.MostLayers);
            var placed = ShrunkPlacement.Place(layers, planned, nodes);
            var room = most.Values.Order().Reverse().Take(planned - 1).Sum();
            Assert.That(
                placed is not null,
                Is.EqualTo(room >= layers),
                $"{layers} layers, {planned} stages, {room} fit"
            );
            if (placed is not null)
            {
                Assert.That(placed.Nodes, Is.Unique.And.Count.LessThan(planned));
                Assert.That(placed.Plan.Stages.Sum(stage => stage.Count), Is.EqualTo(layers));
                Assert.That(
                    placed.Plan.Stages.Zip(placed.Nodes, (stage, node) => most[node] - stage.Count),
                    Has.All.GreaterThanOrEqualTo(0)
                );
            }
        }
    }

    private static Placement<string>? Place(IReadOnlyList<OfferedNode<string>> nodes) =>
        ShrunkPlacement.Place(Layers, Planned, nodes);

    private static OfferedNode<string> Node(string name, int most = Layers, int wanted = -1, int loaded = -1) =>
        new(
            name,
            wanted,
            loaded < 0 ? null : StagePlan.Even(Layers, Planned).Stages[loaded],
            IsSpare: false,
            MostLayers: most
        );
}
