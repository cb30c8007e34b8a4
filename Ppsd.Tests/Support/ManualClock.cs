namespace Ppsd.Tests.Support;

/// <summary>A clock that a test moves by hand, in whole ticks of a microsecond.</summary>
internal sealed class ManualClock : TimeProvider
{
    private long _microseconds = 1;

    public override long TimestampFrequency => 1_000_000;

    public override long GetTimestamp() => _microseconds;

    /// <summary>Time passes.</summary>
    public void Advance(long microseconds) => _microseconds += microseconds;
}
