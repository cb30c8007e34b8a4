using Ppsd.Actors.Planning;
using Ppsd.Actors.Stages;
using Ppsd.Host.Models;
using Ppsd.Kernels.Catalog;
using Ppsd.Kernels.Model;

namespace Ppsd.Host.Runtime;

/// <summary>Loads stages of one model onto devices.</summary>
/// <param name="assets">The model.</param>
/// <param name="settings">Where stages go and how much they may take.</param>
internal sealed class StageRuntimeFactory(ModelAssets assets, StageSettings settings)
{
    /// <summary>Loads some layers; call on the stage's own thread.</summary>
    /// <param name="layers">The layers.</param>
    /// <param name="stage">The stage's place, from 0; picks its device.</param>
    /// <param name="progress">Told after each part.</param>
    public IStageRuntime Load(LayerRange layers, int stage, IProgress<LoadProgress>? progress = null)
    {
        var device = settings.Devices[stage % settings.Devices.Count];
        var backend = DeviceCatalog.Open(device, settings.Threads, settings.KvType, $"stage-{stage + 1}");
        try
        {
            var options = OptionsFor(layers);
            return new StageModelRuntime(backend, StageModelLoader.Load(backend, options, progress), options);
        }
        catch
        {
            backend.Dispose();
            throw;
        }
    }

    /// <summary>What a stage of these layers holds.</summary>
    public StageModelOptions OptionsFor(LayerRange layers) =>
        new()
        {
            ModelFolder = assets.Synthetic is null ? assets.Folder : null,
            Synthetic = assets.Synthetic?.Weights,
            Config = assets.Config,
            FirstLayer = layers.First,
            LayerCount = layers.Count,
            ExitHeadFolder = assets.ExitHeadFolder,
            ExitHead = assets.ExitHead,
            KvCacheBytes = settings.KvCacheBytes,
            MaxRows = settings.PrefillChunk,
            RopeFrequencies = settings.RopeFrequencies,
        };
}
