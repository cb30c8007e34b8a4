using System.CommandLine;

namespace Ppsd.Host.Commands;

/// <summary><c>ppsd bench</c>: measurements, each with its baseline in the same run.</summary>
internal static class BenchCommand
{
    /// <summary>The command.</summary>
    public static Command Create(TimeProvider clock) =>
        new("bench", "Measures this machine.")
        {
            new BenchDecodeCommand(clock),
            new BenchDraftsCommand(clock),
            new BenchPaperCommand(clock),
            new BenchSessionsCommand(clock),
            new BenchServeCommand(clock),
            new BenchCancelCommand(clock),
            new BenchKernelsCommand(clock),
            new BenchLinkCommand(clock),
            new BenchProfileCommand(clock),
            new BenchLinkPeerCommand(clock),
            new BenchLoadCommand(clock),
        };
}
