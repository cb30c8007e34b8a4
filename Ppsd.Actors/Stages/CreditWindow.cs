using Ppsd.Actors.Ids;
using Ppsd.Actors.Messages;
using Ppsd.Actors.Speculation;

namespace Ppsd.Actors.Stages;

/// <summary>
/// Micro-batches sent over one hop and not yet begun by the next stage, and those waiting for a place among them. One
/// TCP connection per pair of nodes is first in, first out, so what is in flight bounds how long a later message, a
/// heartbeat included, can be held up. Over a slow link there are more: as many as the next stage can work on in a round trip.
/// Pure.
/// </summary>
/// <param name="size">Micro-batches in flight on a fast link.</param>
internal sealed class CreditWindow(int size)
{
    /// <summary>Most micro-batches in flight, however slow the link is.</summary>
    private const int Most = 64;

    /// <summary>Round trips remembered.</summary>
    private const int Memory = 32;

    private readonly List<(MicroBatch Batch, double SentMs)> _inFlight = [];
    private readonly Queue<double> _roundTrips = [];
    private int _fitted;
    private readonly WorkQueue _waiting = new();

    /// <summary>Micro-batches waiting for a place.</summary>
    public int WaitingCount => _waiting.Count;

    /// <summary>Micro-batches on their way.</summary>
    public int InFlightCount => _inFlight.Count;

    /// <summary>Milliseconds of a step of the next stage, nearly; 0 where it is not known, and the window stays as it is.</summary>
    public double StepMs { get; set; }

    /// <summary>Queues a micro-batch for the next stage.</summary>
    public void Add(WorkItem item) => _waiting.Add(item);

    /// <summary>Takes the next micro-batch to send, or null when none waits or the window is full.</summary>
    /// <param name="board">Used to reclaim places whose credit was lost together with a dead micro-batch.</param>
    public WorkItem? TakeNext(CancelBoard board, double nowMs = 0)
    {
        if (_inFlight.Count >= Math.Max(size, _fitted) && _inFlight.RemoveAll(sent => board.IsDead(sent.Batch)) == 0)
        {
            return null;
        }

        if (_waiting.TakeNext() is not { } item)
        {
            return null;
        }

        _inFlight.Add((item.Batch, nowMs));
        return item;
    }

    /// <summary>Frees a micro-batch's place; a credit for one that has none is ignored.</summary>
    public void Return(BatchNumber number, double nowMs = 0)
    {
        for (var i = 0; i < _inFlight.Count; i++)
        {
            if (_inFlight[i].Batch.Number == number)
            {
                Fit(nowMs - _inFlight[i].SentMs);
                _inFlight.RemoveAt(i);
                return;
            }
        }
    }

    /// <summary>Forgets micro-batches of which nothing lives.</summary>
    public void DropDead(CancelBoard board)
    {
        _inFlight.RemoveAll(sent => board.IsDead(sent.Batch));
        _waiting.DropDead(board);
    }

    /// <summary>Forgets everything.</summary>
    public void Clear()
    {
        _inFlight.Clear();
        _waiting.Clear();
    }

    /// <summary>As many as the next stage begins while the shortest recent round trip lasts.</summary>
    private void Fit(double roundTripMs)
    {
        _roundTrips.Enqueue(roundTripMs);
        if (_roundTrips.Count > Memory)
        {
            _roundTrips.Dequeue();
        }

        _fitted = StepMs > 0 ? (int)Math.Min(Math.Ceiling(_roundTrips.Min() / StepMs), Most) : 0;
    }
}
