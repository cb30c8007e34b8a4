namespace Ppsd.Host.Bench.LockStep;

/// <summary>A clock that shows the time counted by a lock-step pipeline, in milliseconds.</summary>
/// <param name="nowMs">Time so far.</param>
internal sealed class CountedTime(Func<double> nowMs) : TimeProvider
{
    private const long TicksPerMs = 1_000_000;

    /// <inheritdoc />
    public override long TimestampFrequency => 1000 * TicksPerMs;

    /// <inheritdoc />
    public override long GetTimestamp() => (long)(nowMs() * TicksPerMs);
}
