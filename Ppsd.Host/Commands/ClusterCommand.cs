using System.CommandLine;

namespace Ppsd.Host.Commands;

/// <summary><c>ppsd cluster</c>: looks at a running cluster from outside, as a member with role client.</summary>
internal static class ClusterCommand
{
    /// <summary>The command.</summary>
    public static Command Create(TimeProvider clock) =>
        new("cluster", "Looks at a running cluster.")
        {
            new ClusterStatusCommand(clock),
            new ClusterTopCommand(clock),
            new ClusterDrainCommand(clock),
        };
}
