using System.Collections.Concurrent;
using Akka.Actor;
using Akka.Dispatch;
using Akka.Event;

namespace Ppsd.Tests.Support;

/// <summary>A logger that keeps its lines, of all fixtures that name it in their HOCON.</summary>
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
