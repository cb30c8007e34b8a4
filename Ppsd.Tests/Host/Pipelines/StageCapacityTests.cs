using Ppsd.Actors.Planning;
using Ppsd.Host.Runtime;
using Ppsd.Kernels.Model;
using Ppsd.Tests.Support;

namespace Ppsd.Tests.Host.Pipelines;

/// <summary>How many layers a node says it would hold where others are missing.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class StageCapacityTests
{
    private const int Layers = 16;

    [Test]
    public void All_layers_where_their_weights_take_half_of_the_memory()
    {
        var all = Footprint(new LayerRange(0, Layers)).WeightBytes;
        Assert.That(StageCapacity.MostLayers(Footprint, Layers, 2 * all), Is.EqualTo(Layers));
        Assert.That(StageCapacity.MostLayers(Footprint, Layers, 2 * all - 2), Is.LessThan(Layers).And.Positive);
    }

    [Test]
    public void As_many_as_fit_at_either_end_of_the_model([Range(1, Layers)] int count)
    {
        var first = Footprint(new LayerRange(0, count)).WeightBytes;
        var last = Footprint(new LayerRange(Layers - count, count)).WeightBytes;
        var most = StageCapacity.MostLayers(Footprint, Layers, 2 * Math.Max(first, last));
        Assert.That(most, Is.EqualTo(count));
    }

    [Test]
    public void None_where_not_even_one_fits() =>
        Assert.That(StageCapacity.MostLayers(Footprint, Layers, 1000), Is.Zero);

    private static StageFootprint Footprint(LayerRange layers) =>
        StageFootprint.Of(
            TestModels.Options(TestModels.Gsm, layers.First, layers.Count, exitHead: TestModels.GsmExitHead)
        );
}
