using Akka.Actor;
using Akka.Dispatch;
using Akka.Event;
using Ppsd.Actors.Remoting;

namespace Ppsd.Actors.Configuration;

/// <summary>
/// Logs to standard error: standard output belongs to generated text and JSON. Drops what remoting reports as an error
/// each time a peer leaves, and the singleton proxy's warning, which comes at once and speaks of 30 seconds: the members
/// of a pipeline notice both by themselves and say it in plain words. So is the complaint that seed nodes could not be joined where
/// one of them has said why.
/// </summary>
public sealed class StandardErrorLogger : UntypedActor, IRequiresMessageQueue<ILoggerMessageQueueSemantics>
{
    /// <inheritdoc />
    protected override void OnReceive(object message)
    {
        switch (message)
        {
            case LogEvent log:
                Write(log);
                break;
            case InitializeLogger:
                Sender.Tell(new LoggerInitialized());
                break;
            default:
                Unhandled(message);
                break;
        }
    }

    private static void Write(LogEvent log)
    {
        var isPeerLeaving =
            log.LogSource.Contains("/system/endpointManager", StringComparison.Ordinal)
            || log.LogSource.Contains("EndpointWriter", StringComparison.Ordinal)
            || log.LogClass.Name == "ClusterSingletonProxy"
            || (log.LogClass.Name == "JoinSeedNodeProcess" && JoinTroubles.Of(Context.System).Any is not null)
            || log.LogSource.Contains("remoting", StringComparison.OrdinalIgnoreCase);
        if (isPeerLeaving && log.LogLevel() < LogLevel.ErrorLevel)
        {
            return;
        }

        if (isPeerLeaving && log.Cause is not null)
        {
            return;
        }

        Console.Error.WriteLine(
            $"{log.Timestamp:HH:mm:ss.fff} {log.LogLevel().ToString().Replace("Level", "", StringComparison.Ordinal).ToLowerInvariant()} "
                + $"{log.Message}{(log.Cause is null ? "" : $": {log.Cause.Message}")}"
        );
    }
}
