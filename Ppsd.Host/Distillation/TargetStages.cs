using Ppsd.Actors.Planning;
using Ppsd.Host.Models;
using Ppsd.Kernels.Catalog;
using Ppsd.Kernels.Devices;
using Ppsd.Kernels.Model;

namespace Ppsd.Host.Distillation;

/// <summary>The model's stages, which write texts on the training's devices before training begins.</summary>
internal sealed class TargetStages : IDisposable
{
    private readonly List<Backend> _backends = [];
    private readonly List<StageModel> _models = [];

    private TargetStages() { }

    /// <summary>The stages in order.</summary>
    public IReadOnlyList<StageModel> Models => _models;

    /// <summary>Pages of KV cache that all stages have.</summary>
    public int FreeKvPages => _models.Min(model => model.FreeKvPages);

    /// <summary>Pages that a text takes, at most; at least 1.</summary>
    public static int PagesPerText(int length) => (length + StageModel.KvPageSize - 1) / StageModel.KvPageSize + 1;

    /// <summary>Loads the stages.</summary>
    /// <param name="width">Texts written at a time.</param>
    /// <exception cref="DeviceException">A device cannot be used or has no room.</exception>
    public static TargetStages Open(ModelAssets assets, DistillSettings settings, int width)
    {
        var stages = new TargetStages();
        try
        {
            var all = settings.Stages.Stages.Select(range => Options(assets, settings, range, width)).ToArray();
            var footprints = all.Select(StageFootprint.Of).ToArray();
            for (var i = 0; i < all.Length; i++)
            {
                var device = settings.Devices[i];
                var backend = DeviceCatalog.Open(device, settings.Threads, KvType.BFloat16, $"distill-write-{i + 1}");
                stages._backends.Add(backend);
                var share = StageFootprint.ShareOf(
                    [.. footprints.Where((_, other) => settings.Devices[other] == device)],
                    isAmongProcesses: false
                );
                var pageBytes = StageModelLoader.KvBytesPerToken(backend, all[i]) * StageModel.KvPageSize;
                var kvBytes = Math.Min(
                    backend.KvCacheBytesFor(footprints[i].KvValuesPerToken, share),
                    pageBytes * width * PagesPerText(settings.SequenceLength)
                );
                stages._models.Add(StageModelLoader.Load(backend, all[i] with { KvCacheBytes = kvBytes }));
            }

            return stages;
        }
        catch
        {
            stages.Dispose();
            throw;
        }
    }

    public void Dispose()
    {
        _models.ForEach(model => model.Dispose());
        _backends.ForEach(backend => backend.Dispose());
    }

    private static StageModelOptions Options(
        ModelAssets assets,
        DistillSettings settings,
        LayerRange layers,
        int width
    ) =>
        new()
        {
            ModelFolder = assets.Synthetic is null ? assets.Folder : null,
            Synthetic = assets.Synthetic?.Weights,
            Config = assets.Config,
            FirstLayer = layers.First,
            LayerCount = layers.Count,
            MaxWidth = width,
            RopeFrequencies = settings.RopeFrequencies,
        };
}
