using System.Diagnostics;
using Ppsd.Actors.Messages;

namespace Ppsd.Actors.Mailboxes;

/// <summary>
/// The round trip to the next stage's mailbox. Real time, whatever clock the stage is given: a network has no other.
/// Noted on the transport's thread, read on the stage's.
/// </summary>
public sealed class LinkMeter
{
    private long _roundTripTicks = -1;

    /// <summary>Milliseconds of the latest round trip; null before the first.</summary>
    public double? RoundTripMs =>
        Volatile.Read(ref _roundTripTicks) is >= 0 and var ticks ? ticks * 1000.0 / Stopwatch.Frequency : null;

    /// <summary>A probe that leaves now.</summary>
    public static LinkProbe Probe() => new(Stopwatch.GetTimestamp());

    /// <summary>A probe came back.</summary>
    public void Note(LinkEcho echo) =>
        Volatile.Write(ref _roundTripTicks, Math.Max(0, Stopwatch.GetTimestamp() - echo.SentAt));
}
