namespace Ppsd.Actors.Stages;

/// <summary>Adds up where a stage's time goes. Used by the stage's thread.</summary>
internal sealed class StageMeter(TimeProvider clock)
{
    private readonly long _startedAt = clock.GetTimestamp();
    private long _busyTicks;
    private long _decodeTicks;
    private long _decodeHeadsTicks;
    private long _stepTicks;
    private long _stepHeadsTicks;
    private long _mark;

    /// <summary>Micro-batches of candidates completed.</summary>
    public long DecodeSteps { get; private set; }

    /// <summary>Their candidates.</summary>
    public long DecodeRows { get; private set; }

    /// <summary>Micro-batches dropped or abandoned because a cancel reached them.</summary>
    public long CancelledSteps { get; private set; }

    /// <summary>Milliseconds since the meter was made.</summary>
    public double UpMs => clock.GetElapsedTime(_startedAt).TotalMilliseconds;

    /// <summary>Milliseconds on micro-batches in all.</summary>
    public double BusyMs => ToMs(_busyTicks);

    /// <summary>Milliseconds on completed micro-batches of candidates.</summary>
    public double DecodeMs => ToMs(_decodeTicks);

    /// <summary>Milliseconds of them in heads and sampling.</summary>
    public double DecodeHeadsMs => ToMs(_decodeHeadsTicks);

    /// <summary>A micro-batch begins.</summary>
    public void Begin()
    {
        _mark = clock.GetTimestamp();
        _stepTicks = 0;
        _stepHeadsTicks = 0;
    }

    /// <summary>What passed since the last mark was layers or bookkeeping.</summary>
    public void MarkWork() => _stepTicks += Lap();

    /// <summary>What passed since the last mark was a head.</summary>
    public void MarkHeads()
    {
        var lap = Lap();
        _stepTicks += lap;
        _stepHeadsTicks += lap;
    }

    /// <summary>The micro-batch is done, to the end or not.</summary>
    /// <param name="completedRows">Candidates that went all the way; 0 for chunks of a prompt, which take another time.</param>
    public void End(int completedRows)
    {
        MarkWork();
        _busyTicks += _stepTicks;
        if (completedRows > 0)
        {
            DecodeSteps++;
            DecodeRows += completedRows;
            _decodeTicks += _stepTicks;
            _decodeHeadsTicks += _stepHeadsTicks;
        }
    }

    /// <summary>Micro-batches died.</summary>
    public void Cancel(int count = 1) => CancelledSteps += count;

    private long Lap()
    {
        var now = clock.GetTimestamp();
        var elapsed = now - _mark;
        _mark = now;
        return elapsed;
    }

    private double ToMs(long ticks) => ticks * 1000.0 / clock.TimestampFrequency;
}
