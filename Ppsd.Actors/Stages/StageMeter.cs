namespace Ppsd.Actors.Stages;

/// <summary>Adds up where a stage's time goes. Used by the stage's thread.</summary>
internal sealed class StageMeter(TimeProvider clock)
{
    private long _layersTicks;
    private long _headsTicks;
    private long _otherTicks;
    private long _mark;

    /// <summary>Micro-batches completed.</summary>
    public long CompletedSteps { get; private set; }

    /// <summary>Micro-batches dropped or abandoned because a cancel reached them.</summary>
    public long CancelledSteps { get; private set; }

    /// <summary>Milliseconds in layers.</summary>
    public double LayersMs => ToMs(_layersTicks);

    /// <summary>Milliseconds in heads and sampling.</summary>
    public double HeadsMs => ToMs(_headsTicks);

    /// <summary>Milliseconds on micro-batches in all.</summary>
    public double BusyMs => ToMs(_layersTicks + _headsTicks + _otherTicks);

    /// <summary>A micro-batch begins.</summary>
    public void Begin() => _mark = clock.GetTimestamp();

    /// <summary>What passed since the last mark was layers.</summary>
    public void MarkLayers() => _layersTicks += Lap();

    /// <summary>What passed since the last mark was a head.</summary>
    public void MarkHeads() => _headsTicks += Lap();

    /// <summary>What passed since the last mark was neither.</summary>
    public void MarkOther() => _otherTicks += Lap();

    /// <summary>The micro-batch is done.</summary>
    public void Complete() => CompletedSteps++;

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
