using System.Collections.Concurrent;
using Akka.Actor;
using Akka.Dispatch;
using Akka.Event;

namespace Ppsd.Tests.Support;

/// <summary>A logger that keeps its lines, for the one fixture that names it in its HOCON.</summary>
internal sealed class LogLines : ReceiveActor, IRequiresMessageQueue<ILoggerMessageQueueSemantics>
{
    private static readonly ConcurrentQueue<string> _lines = new();

    public LogLines()
    {
        Receive<LogEvent>(log => _lines.Enqueue(log.Message.ToString()!));
        Receive<InitializeLogger>(_ => Sender.Tell(new LoggerInitialized()));
    }

    public static IReadOnlyCollection<string> All => _lines;

    public static string Hocon =>
        $"akka.loggers = [\"{typeof(LogLines).AssemblyQualifiedName!.Split(", Version")[0]}\"]";
}
