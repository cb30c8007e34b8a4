using Ppsd.Actors.Cluster;
using Ppsd.Actors.Planning;

namespace Ppsd.Tests.Actors.Cluster;

/// <summary>Which node holds which stage.</summary>
public sealed class StagePlacementTests
{
    private static readonly StagePlan _plan = StagePlan.Even(layerCount: 16, stageCount: 4);

    [Test]
    public void First_come_first_served_when_nobody_wishes_for_anything() =>
        Assert.That(StagePlacement.Place(_plan, [Any("a"), Any("b"), Any("c"), Any("d")]), Is.EqualTo(Names("abcd")));

    [Test]
    public void A_wish_goes_before_layers_already_loaded() =>
        Assert.That(
            StagePlacement.Place(_plan, [Loaded("a", 2), Any("b"), new("c", 2, null), Any("d")]),
            Is.EqualTo(Names("bdca"))
        );

    [Test]
    public void A_node_that_holds_a_stages_layers_keeps_them() =>
        Assert.That(
            StagePlacement.Place(_plan, [Any("new"), Loaded("a", 0), Loaded("d", 3), Loaded("c", 2)]),
            Is.EqualTo((string[])["a", "new", "c", "d"])
        );

    [Test]
    public void Too_few_nodes_make_no_pipeline() =>
        Assert.That(StagePlacement.Place(_plan, [Any("a"), Any("b"), Any("c")]), Is.Null);

    [Test]
    public void Two_that_insist_on_one_stage_leave_another_empty() =>
        Assert.That(StagePlacement.Place(_plan, [new("a", 1, null), new("b", 1, null), Any("c"), Any("d")]), Is.Null);

    [Test]
    public void Nodes_beyond_the_plan_stay_free() =>
        Assert.That(
            StagePlacement.Place(_plan, [Any("a"), Any("b"), Any("c"), Any("d"), Any("e")]),
            Is.EqualTo(Names("abcd"))
        );

    [Test]
    public void A_spare_holds_a_stage_only_where_nobody_else_can()
    {
        OfferedNode<string> spare = new("spare", -1, null, IsSpare: true);
        Assert.That(
            StagePlacement.Place(_plan, [spare, Any("a"), Any("b"), Any("c"), Any("d")]),
            Is.EqualTo(Names("abcd"))
        );
        Assert.That(
            StagePlacement.Place(_plan, [spare, Loaded("a", 0), Loaded("c", 2), Loaded("d", 3)]),
            Is.EqualTo((string[])["a", "spare", "c", "d"])
        );
    }

    private static OfferedNode<string> Any(string name) => new(name, -1, null);

    private static OfferedNode<string> Loaded(string name, int stage) => new(name, -1, _plan.Stages[stage]);

    private static IEnumerable<string> Names(string letters) => letters.Select(letter => letter.ToString());
}
