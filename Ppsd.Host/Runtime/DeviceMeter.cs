using System.Diagnostics;

namespace Ppsd.Host.Runtime;

/// <summary>
/// Time and garbage-collected memory of a device's operations: what passes between <see cref="Begin"/> and
/// <see cref="End"/> on the stage's thread. What carries messages is not among it.
/// </summary>
internal sealed class DeviceMeter
{
    private long _ticks;
    private long _beganAt;
    private long _allocatedAt;

    /// <summary>Milliseconds in operations.</summary>
    public double Ms => _ticks * 1000.0 / Stopwatch.Frequency;

    /// <summary>Bytes they allocated on this thread.</summary>
    public long AllocatedBytes { get; private set; }

    /// <summary>An operation begins.</summary>
    public void Begin()
    {
        _allocatedAt = GC.GetAllocatedBytesForCurrentThread();
        _beganAt = Stopwatch.GetTimestamp();
    }

    /// <summary>It has ended.</summary>
    public void End()
    {
        _ticks += Stopwatch.GetTimestamp() - _beganAt;
        AllocatedBytes += GC.GetAllocatedBytesForCurrentThread() - _allocatedAt;
    }
}
