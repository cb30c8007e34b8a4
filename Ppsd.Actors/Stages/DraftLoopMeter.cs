using Ppsd.Actors.Ids;
using Ppsd.Actors.Messages;

namespace Ppsd.Actors.Stages;

/// <summary>
/// Measures what the protocol adds to the draft loop: how long a cycle lasts beyond the device's work in it, and how
/// long a verdict that rejects lies at this stage before its new run begins. Used by the stage's thread.
/// </summary>
/// <remarks>
/// A cycle counts only if the loop could turn at once: the drafts of a micro-batch enter next, and the stage did not
/// wait for a verdict, a credit or another session in between.
/// </remarks>
internal sealed class DraftLoopMeter(TimeProvider clock)
{
    private MicroBatch? _previous;
    private long _previousBegan;
    private MicroBatch? _current;
    private long _currentBegan;
    private double _deviceMs;
    private bool _isCycle;
    private (SessionId Session, long At)? _rejection;
    private long _cycleTicks;
    private long _rejectionTicks;

    /// <summary>Cycles counted.</summary>
    public long Cycles { get; private set; }

    /// <summary>Milliseconds of these cycles.</summary>
    public double CycleMs => ToMs(_cycleTicks);

    /// <summary>Milliseconds of these cycles in which the device worked.</summary>
    public double CycleDeviceMs { get; private set; }

    /// <summary>Rejections counted.</summary>
    public long Rejections { get; private set; }

    /// <summary>Milliseconds from the arrival of verdicts that rejected to the start of the new run.</summary>
    public double RejectionMs => ToMs(_rejectionTicks);

    /// <summary>True from <see cref="Begin"/> to <see cref="NoteDevice"/>.</summary>
    public bool AwaitsDevice { get; private set; }

    /// <summary>A micro-batch begins.</summary>
    public void Begin(MicroBatch batch)
    {
        _current = batch;
        _currentBegan = clock.GetTimestamp();
        AwaitsDevice = true;
        if (_rejection is { } rejection && Array.Exists(batch.Parts, part => part.Session == rejection.Session))
        {
            Rejections++;
            _rejectionTicks += _currentBegan - rejection.At;
            _rejection = null;
        }

        _isCycle = IsNextTurn(batch);
        if (_isCycle)
        {
            Cycles++;
            _cycleTicks += _currentBegan - _previousBegan;
        }

        _previous = null;
    }

    /// <summary>Device time up to this micro-batch. Read once, after queueing, because reading it is slow.</summary>
    public void NoteDevice(double deviceMs)
    {
        AwaitsDevice = false;
        if (_isCycle)
        {
            CycleDeviceMs += deviceMs - _deviceMs;
        }

        _deviceMs = deviceMs;
    }

    /// <summary>The micro-batch is done.</summary>
    /// <param name="completedDecode">True for candidates that went all the way.</param>
    public void End(bool completedDecode)
    {
        _previous = completedDecode ? _current : null;
        _previousBegan = _currentBegan;
    }

    /// <summary>Nothing could enter: the next micro-batch has waited for something other than this stage.</summary>
    public void Wait() => _previous = null;

    /// <summary>A verdict rejected a run; its token enters next.</summary>
    /// <param name="arrivedAt">Timestamp of its arrival at this stage.</param>
    public void Reject(SessionId session, long arrivedAt) => _rejection = (session, arrivedAt);

    /// <summary>True for drafts of one session right after the candidates they follow.</summary>
    private bool IsNextTurn(MicroBatch batch) =>
        _previous is { Parts: [var before] }
        && batch is { Parts: [{ CertainCount: 0 } part] }
        && before.Session == part.Session
        && before.Run == part.Run;

    private double ToMs(long ticks) => ticks * 1000.0 / clock.TimestampFrequency;
}
