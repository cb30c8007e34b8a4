using Ppsd.Actors.Planning;
using Ppsd.Host.Models;
using Ppsd.Kernels.Model;

namespace Ppsd.Host.Runtime;

/// <summary>What a spare node makes ready before it is needed.</summary>
internal static class SpareStages
{
    private const int ReadBytes = 1 << 20;

    /// <summary>
    /// Loads every stage's layers onto the shelf where all of them fit into half of the memory that is there and the processor is the
    /// device; otherwise reads the model's files once, so that they are in the page cache when a stage is loaded.
    /// </summary>
    /// <returns>What was done, in words.</returns>
    public static string Prepare(
        ModelAssets assets,
        StagePlan plan,
        StageSettings settings,
        StageRuntimeFactory factory,
        RuntimeShelf shelf
    )
    {
        var bytes = plan.Stages.Sum(layers => StageFootprint.Of(factory.OptionsFor(layers)).WeightBytes);
        var fits = bytes < GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 2;
        if (fits && settings.Devices.All(device => device == "cpu"))
        {
            foreach (var layers in plan.Stages)
            {
                shelf.Prepare(layers);
            }

            return $"holds the layers of all {plan.Stages.Count} stages ({bytes / 1e6:0} MB of weights)";
        }

        var read = assets.Synthetic is null ? ReadOnce(assets.Folder) : 0;
        return $"has read the model's files ({read / 1e6:0} MB) and loads its layers when it is needed";
    }

    private static long ReadOnce(string folder)
    {
        var buffer = new byte[ReadBytes];
        var total = 0L;
        foreach (var file in Directory.EnumerateFiles(folder, "*.safetensors"))
        {
            using var handle = File.OpenHandle(file, options: FileOptions.SequentialScan);
            int read;
            for (var offset = 0L; (read = RandomAccess.Read(handle, buffer, offset)) > 0; offset += read)
            {
                total += read;
            }
        }

        return total;
    }
}
