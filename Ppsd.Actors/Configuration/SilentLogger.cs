using Akka.Event;

namespace Ppsd.Actors.Configuration;

/// <summary>
/// Takes the place of the logger that Akka falls back to before its loggers start and after they stop: that one writes to
/// standard output, which belongs to results.
/// </summary>
public sealed class SilentLogger : MinimalLogger
{
    /// <inheritdoc />
    protected override void Log(object message) { }
}
