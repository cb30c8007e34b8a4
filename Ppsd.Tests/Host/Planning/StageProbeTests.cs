using Ppsd.Host.Models;
using Ppsd.Host.Planning.Measurement;
using Ppsd.Host.Runtime;

namespace Ppsd.Tests.Host.Planning;

/// <summary>A stage that was warmed up is as it was, but for what the runtime has compiled.</summary>
public sealed class StageProbeTests
{
    /// <summary>A first, a middle and a last stage, with room for plenty and for one page.</summary>
    [TestCase(0, 2, 0)]
    [TestCase(2, 3, 0)]
    [TestCase(5, 3, 0)]
    [TestCase(0, 8, 1)]
    public void A_warm_stage_has_given_all_its_pages_back(int firstLayer, int layerCount, long kvCacheBytes)
    {
        var assets = ModelAssets.Open(new SyntheticModel("toy", ExitLayer: 2, 1, 1));
        var settings = new StageSettings
        {
            Devices = ["cpu"],
            Threads = 1,
            KvCacheBytes = kvCacheBytes == 0 ? 1 << 22 : PageBytes(assets, layerCount),
        };
        using var runtime = new StageRuntimeFactory(assets, settings).Load(new(firstLayer, layerCount), stage: 0);

        new StageProbe(runtime, assets.Config.HiddenSize, TimeProvider.System).WarmUp(TimeSpan.FromMilliseconds(20));

        Assert.That(runtime.FreePages, Is.EqualTo(runtime.Description.PageCount));
    }

    private static long PageBytes(ModelAssets assets, int layerCount)
    {
        var options = new StageRuntimeFactory(assets, new StageSettings { Devices = ["cpu"], Threads = 1 }).OptionsFor(
            new(0, layerCount)
        );
        return Ppsd.Kernels.Model.StageFootprint.Of(options).KvValuesPerToken
            * sizeof(float)
            * Ppsd.Kernels.Model.StageModel.KvPageSize;
    }
}
