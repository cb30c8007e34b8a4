using System.CommandLine;

namespace Ppsd.Host.Commands;

/// <summary><c>ppsd bench</c>: measurements, each with its baseline in the same run.</summary>
internal static class BenchCommand
{
    /// <summary>The command.</summary>
    public static Command Create(TimeProvider clock) =>
        new("bench", "Measures this machine.")
        {
            BenchDecodeCommand.Create(clock),
            BenchSessionsCommand.Create(clock),
            BenchServeCommand.Create(clock),
            BenchCancelCommand.Create(clock),
            BenchKernelsCommand.Create(),
            BenchLinkCommand.Create(clock),
            BenchProfileCommand.Create(clock),
            BenchLinkPeerCommand.Create(),
            BenchLoadCommand.Create(clock),
        };
}
