using Ppsd.Actors.Planning;
using Ppsd.Actors.Stages;
using Ppsd.Host.Models;
using Ppsd.Kernels.Catalog;
using Ppsd.Kernels.Devices;
using Ppsd.Kernels.Model;

namespace Ppsd.Host.Runtime;

/// <summary>Loads stages of one model onto devices.</summary>
/// <param name="settings">Where stages go and how much they may take.</param>
/// <param name="plan">The pipeline's stages; null for a stage that has its device to itself.</param>
internal sealed class StageRuntimeFactory(ModelAssets assets, StageSettings settings, StagePlan? plan = null)
{
    /// <summary>Loads some layers; call on the stage's own thread.</summary>
    /// <param name="stage">The stage's place, from 0; picks its device.</param>
    /// <param name="progress">Told after each part.</param>
    /// <param name="clock">Measures what rows cost where no plan says it; null to leave them unmeasured then.</param>
    /// <exception cref="DeviceException">The device cannot be used, or has too little memory; one line that names the stage.</exception>
    public IStageRuntime Load(
        LayerRange layers,
        int stage,
        IProgress<LoadProgress>? progress = null,
        TimeProvider? clock = null
    )
    {
        var device = settings.DeviceOf(stage);
        var backend = DeviceCatalog.Open(device, settings.Threads, settings.KvType, $"stage-{stage + 1}");
        try
        {
            var options = OptionsFor(layers, device) with { Share = ShareOf(layers, stage) };
            var runtime = new StageModelRuntime(backend, StageModelLoader.Load(backend, options, progress), options);
            if (assets.Plan?.CostsOf(layers.First, layers.Count, runtime.Description.Device) is { } known)
            {
                runtime.TakeRows(known);
            }
            else if (clock is not null)
            {
                runtime.MeasureRows(clock);
            }

            return runtime;
        }
        catch (DeviceException e)
        {
            backend.Dispose();
            throw new DeviceException(
                $"stage {stage + 1} (layers {layers.First + 1} to {layers.End}) on {device}: {e.Message}",
                e
            );
        }
        catch
        {
            backend.Dispose();
            throw;
        }
    }

    /// <summary>Who shares the device of a stage; null when it has it alone.</summary>
    /// <param name="stage">Its place, from 0.</param>
    public DeviceShare? ShareOf(LayerRange layers, int stage)
    {
        var device = settings.DeviceOf(stage);
        var others =
            plan?.Stages.Where((_, other) => other != stage && settings.DeviceOf(other) == device)
                .Select(range => StageFootprint.Of(OptionsFor(range, device)))
                .ToList()
            ?? [];
        if (settings.DeviceShare > 0)
        {
            // Which stages other processes have put on the device is not known here: the heaviest.
            var all = plan?.Stages.Where((_, other) => other != stage) ?? [];
            others =
            [
                .. all.Select(range => StageFootprint.Of(OptionsFor(range, device)))
                    .OrderByDescending(other => other.WeightBytes)
                    .Take(settings.DeviceShare - 1),
            ];
        }

        return others.Count == 0
            ? null
            : StageFootprint.ShareOf(
                [.. others, StageFootprint.Of(OptionsFor(layers, device))],
                settings.DeviceShare > 0
            );
    }

    /// <summary>What a stage of these layers holds.</summary>
    /// <param name="device">Where; by default the first device.</param>
    public StageModelOptions OptionsFor(LayerRange layers, string? device = null) =>
        new()
        {
            ModelFolder = assets.Synthetic is null ? assets.Folder : null,
            Synthetic = assets.Synthetic?.Weights,
            Config = assets.Config,
            FirstLayer = layers.First,
            LayerCount = layers.Count,
            ExitHeads = assets.ExitHead is { } head ? [new ExitHeadSource(head, assets.ExitHeadFolder)] : [],
            KvCacheBytes = settings.KvCacheBytes,
            MaxRows = Math.Max(
                settings.PrefillChunkOn(device ?? settings.Devices[0]),
                settings.StepRowsOn(device ?? settings.Devices[0])
            ),
            MaxWidth = settings.StepRowsOn(device ?? settings.Devices[0]),
            RopeFrequencies = settings.RopeFrequencies,
        };
}
