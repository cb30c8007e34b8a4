using Ppsd.Actors.Planning;
using Ppsd.Host.Models;
using Ppsd.Host.Runtime;
using Ppsd.Kernels.Catalog;
using Ppsd.Kernels.Devices;
using Ppsd.Kernels.Model;

namespace Ppsd.Host.Verification;

/// <summary>The device under verification, loading the parts of the model that a check needs.</summary>
/// <param name="settings">The device; the first of its list.</param>
internal sealed class VerifiedDevice(ModelAssets assets, StageSettings settings)
{
    private readonly StageRuntimeFactory _factory = new(assets, settings);

    /// <summary>The model.</summary>
    public ModelAssets Assets { get; } = assets;

    /// <summary>The settings.</summary>
    public StageSettings Settings { get; } = settings;

    /// <summary>Looks at all that loaded stages compute.</summary>
    public FiniteNumbers Finite { get; } = new();

    /// <summary>True when the device computes with the CPU's exactness.</summary>
    public bool IsCpu => Settings.Devices[0] == "cpu";

    /// <summary>
    /// Loads stages of these numbers of layers, from the first layer on; they need not include the last.
    /// </summary>
    public LoadedStages Load(IReadOnlyList<int> counts, string? device = null)
    {
        var first = 0;
        var backends = new List<Backend>();
        var stages = new List<StageModel>();
        foreach (var count in counts)
        {
            var backend = DeviceCatalog.Open(
                device ?? Settings.Devices[0],
                Settings.Threads,
                Settings.KvType,
                $"stage-{stages.Count + 1}"
            );
            backends.Add(backend);
            stages.Add(StageModelLoader.Load(backend, OptionsFor(new LayerRange(first, count))));
            first += count;
        }

        return new LoadedStages(new ModelRun(stages, Finite), backends);
    }

    /// <summary>A check's sequences are short, and several cuts of a model lie on the device at once: none takes all it can spare.</summary>
    private StageModelOptions OptionsFor(LayerRange layers)
    {
        const long Tokens = 8192;
        var options = _factory.OptionsFor(layers);
        return options.KvCacheBytes > 0
            ? options
            : options with
            {
                KvCacheBytes = StageFootprint.Of(options).KvValuesPerToken * sizeof(float) * Tokens,
            };
    }
}

/// <summary>Loaded stages and the devices they lie on.</summary>
internal sealed class LoadedStages(ModelRun run, IReadOnlyList<Backend> backends) : IDisposable
{
    /// <summary>Runs sequences through them.</summary>
    public ModelRun Run { get; } = run;

    public void Dispose()
    {
        Run.Dispose();
        foreach (var backend in backends)
        {
            backend.Dispose();
        }
    }
}
