using Ppsd.Actors.Messages;
using Ppsd.Actors.Speculation;

namespace Ppsd.Actors.Stages;

/// <summary>
/// Micro-batches waiting for a stage. Within a session they keep their order, since children need their parents' keys
/// and values; among sessions verified tokens go before speculation, then first come first served. Pure.
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
            if (_items[i].Batch.IsCertain && IsFirstOfItsSession(i))
            {
                chosen = i;
                break;
            }
        }

        var item = _items[chosen];
        _items.RemoveAt(chosen);
        return item;
    }

    /// <summary>Removes items whose run or session is dead; returns how many.</summary>
    public int DropDead(CancelBoard board) =>
        _items.RemoveAll(item => board.IsDead(item.Batch.Session, item.Batch.Run));

    /// <summary>Removes everything.</summary>
    public void Clear() => _items.Clear();

    private bool IsFirstOfItsSession(int index)
    {
        for (var i = 0; i < index; i++)
        {
            if (_items[i].Batch.Session == _items[index].Batch.Session)
            {
                return false;
            }
        }

        return true;
    }
}

/// <summary>A micro-batch and the hidden states it came with (none at the first stage).</summary>
internal sealed record WorkItem(MicroBatch Batch, ReadOnlyMemory<byte> Hidden);
