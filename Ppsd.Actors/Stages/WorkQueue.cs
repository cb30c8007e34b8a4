using Ppsd.Actors.Messages;
using Ppsd.Actors.Speculation;

namespace Ppsd.Actors.Stages;

/// <summary>
/// Micro-batches waiting for a stage. Within a session they keep their order, since children need their parents' keys
/// and values; among sessions micro-batches with verified tokens go before mere speculation, then first come first
/// served. Pure.
/// </summary>
internal sealed class WorkQueue
{
    private readonly List<WorkItem> _items = [];

    /// <summary>Items waiting.</summary>
    public int Count => _items.Count;

    /// <summary>Adds an item.</summary>
    public void Add(WorkItem item) => _items.Add(item);

    /// <summary>Takes the next item, or null when none waits.</summary>
    public WorkItem? TakeNext()
    {
        if (_items.Count == 0)
        {
            return null;
        }

        var chosen = 0;
        for (var i = 0; i < _items.Count; i++)
        {
            if (_items[i].Batch.IsUrgent && IsFirstOfItsSessions(i))
            {
                chosen = i;
                break;
            }
        }

        var item = _items[chosen];
        _items.RemoveAt(chosen);
        return item;
    }

    /// <summary>Removes items of which no part lives; returns how many.</summary>
    public int DropDead(CancelBoard board) =>
        _items.RemoveAll(item =>
        {
            var isDead = board.IsDead(item.Batch);
            if (isDead)
            {
                item.Hidden.Release();
            }

            return isDead;
        });

    /// <summary>Removes everything.</summary>
    public void Clear() => _items.Clear();

    private bool IsFirstOfItsSessions(int index)
    {
        for (var i = 0; i < index; i++)
        {
            if (ShareSession(_items[i].Batch, _items[index].Batch))
            {
                return false;
            }
        }

        return true;
    }

    private static bool ShareSession(MicroBatch a, MicroBatch b)
    {
        foreach (var part in a.Parts)
        {
            foreach (var other in b.Parts)
            {
                if (part.Session == other.Session)
                {
                    return true;
                }
            }
        }

        return false;
    }
}

/// <summary>A micro-batch and the hidden states it came with (none at the first stage).</summary>
internal sealed record WorkItem(MicroBatch Batch, HiddenStates Hidden)
{
    /// <summary>What must be sent before it, made as it is sent; null for nothing.</summary>
    public IEnumerable<WorkItem>? Before { get; init; }
}
