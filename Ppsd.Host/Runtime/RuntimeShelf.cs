using Ppsd.Actors.Planning;
using Ppsd.Actors.Stages;

namespace Ppsd.Host.Runtime;

/// <summary>
/// Loaded stages that nobody uses just now: a node that joins its cluster again takes up its own without loading it, and a spare
/// holds whichever it may have to be. Only where the processor is the device: a card's context belongs to the thread that loaded.
/// Thread-safe.
/// </summary>
/// <param name="load">Loads layers.</param>
/// <param name="keepsAll">True to keep everything that was loaded, false to keep the last.</param>
internal sealed class RuntimeShelf(Func<LayerRange, IStageRuntime> load, bool keepsAll) : IDisposable
{
    private readonly Lock _lock = new();
    private readonly Dictionary<LayerRange, IStageRuntime> _idle = [];
    private bool _isDisposed;

    /// <summary>Loads layers ahead; null where they would not stay.</summary>
    public void Prepare(LayerRange layers) => Take(layers).Dispose();

    /// <summary>Layers, from the shelf or loaded. Disposing of the runtime puts it on the shelf.</summary>
    public IStageRuntime Take(LayerRange layers)
    {
        List<IStageRuntime> unwanted;
        IStageRuntime? found;
        lock (_lock)
        {
            _idle.Remove(layers, out found);
            unwanted = keepsAll ? [] : [.. _idle.Values];
            if (!keepsAll)
            {
                _idle.Clear();
            }
        }

        unwanted.ForEach(runtime => runtime.Dispose());
        var runtime = found ?? load(layers);
        return runtime.RunsOnDevice ? runtime : new ShelvedRuntime(runtime, () => PutBack(layers, runtime));
    }

    public void Dispose()
    {
        lock (_lock)
        {
            _isDisposed = true;
        }

        foreach (var runtime in _idle.Values)
        {
            runtime.Dispose();
        }

        _idle.Clear();
    }

    private void PutBack(LayerRange layers, IStageRuntime runtime)
    {
        lock (_lock)
        {
            if (!_isDisposed && _idle.TryAdd(layers, runtime))
            {
                return;
            }
        }

        runtime.Dispose();
    }
}
