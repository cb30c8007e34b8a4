using Ppsd.Actors.Ids;
using Ppsd.Actors.Messages;
using Ppsd.Actors.Speculation;

namespace Ppsd.Actors.Stages;

/// <summary>
/// Micro-batches sent over one hop and not yet begun by the next stage, and those waiting for a place among them. One
/// TCP connection per pair of nodes is first in, first out, so what is in flight bounds how long a later message, a
/// heartbeat included, can be held up. Pure.
/// </summary>
internal sealed class CreditWindow(int size)
{
    private readonly List<MicroBatch> _inFlight = [];
    private readonly WorkQueue _waiting = new();

    /// <summary>Micro-batches waiting for a place.</summary>
    public int WaitingCount => _waiting.Count;

    /// <summary>Micro-batches on their way.</summary>
    public int InFlightCount => _inFlight.Count;

    /// <summary>Queues a micro-batch for the next stage.</summary>
    public void Add(WorkItem item) => _waiting.Add(item);

    /// <summary>Takes the next micro-batch to send, or null when none waits or the window is full.</summary>
    /// <param name="board">Used to reclaim places whose credit was lost together with a dead micro-batch.</param>
    public WorkItem? TakeNext(CancelBoard board)
    {
        if (_inFlight.Count >= size && _inFlight.RemoveAll(board.IsDead) == 0)
        {
            return null;
        }

        if (_waiting.TakeNext() is not { } item)
        {
            return null;
        }

        _inFlight.Add(item.Batch);
        return item;
    }

    /// <summary>Frees a micro-batch's place; a credit for one that has none is ignored.</summary>
    public void Return(BatchNumber number)
    {
        for (var i = 0; i < _inFlight.Count; i++)
        {
            if (_inFlight[i].Number == number)
            {
                _inFlight.RemoveAt(i);
                return;
            }
        }
    }

    /// <summary>Forgets micro-batches of which nothing lives.</summary>
    public void DropDead(CancelBoard board)
    {
        _inFlight.RemoveAll(board.IsDead);
        _waiting.DropDead(board);
    }

    /// <summary>Forgets everything.</summary>
    public void Clear()
    {
        _inFlight.Clear();
        _waiting.Clear();
    }
}
