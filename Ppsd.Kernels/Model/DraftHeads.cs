using Ppsd.Kernels.Devices;

namespace Ppsd.Kernels.Model;

/// <summary>
/// The exit heads of a stage. They run together, on the same rows of a step: a head with caches of its own must see every
/// token. Each is read apart. Used by the stage's thread.
/// </summary>
internal sealed class DraftHeads : IDisposable
{
    private readonly HeadDrafts[] _heads;
    private readonly int[] _exitLayers;

    /// <summary>Takes ownership of the heads.</summary>
    /// <param name="exitLayers">The stage's layers before each.</param>
    public DraftHeads(HeadDrafts[] heads, int[] exitLayers)
    {
        _heads = heads;
        _exitLayers = exitLayers;
        MaxDepth = heads.Length == 0 ? 1 : heads.Max(head => head.MaxDepth);
        Chain = Array.Find(heads, head => head.MaxDepth > 1);
    }

    /// <summary>Number of heads.</summary>
    public int Count => _heads.Length;

    /// <summary>Most steps that one of them drafts ahead of a row; 1 where there is none.</summary>
    public int MaxDepth { get; }

    /// <summary>The head that goes on drafting from its own state; null for none. A stage holds at most one.</summary>
    public HeadDrafts? Chain { get; }

    /// <summary>A head.</summary>
    public HeadDrafts this[int head] => _heads[head];

    /// <summary>Number of tokens to draw at once for a session that requests <paramref name="width"/>.</summary>
    public int Draws(int width)
    {
        var most = 1;
        foreach (var head in _heads)
        {
            most = Math.Max(most, head.Draws(width));
        }

        return most;
    }

    /// <summary>A step begins: nothing is drafted of it yet.</summary>
    public void BeginStep()
    {
        foreach (var head in _heads)
        {
            head.BeginStep();
        }
    }

    /// <summary>Keeps what heads read after <paramref name="layersDone"/> layers of the stage.</summary>
    public void Tap(int layersDone, Activations hidden, int rows)
    {
        for (var i = 0; i < _heads.Length; i++)
        {
            if (_exitLayers[i] == layersDone)
            {
                _heads[i].Tap(hidden, rows);
            }
        }
    }

    /// <summary>Makes what <see cref="Queue"/> needs known to the device.</summary>
    public void Prepare(int firstRow, int depth)
    {
        foreach (var head in _heads)
        {
            head.Prepare(firstRow, depth);
        }
    }

    /// <summary>Queues the heads that are not queued already.</summary>
    public void Queue(int firstRow, int depth)
    {
        foreach (var head in _heads)
        {
            head.Queue(firstRow, depth);
        }
    }

    public void Dispose()
    {
        foreach (var head in _heads)
        {
            head.Dispose();
        }
    }
}
