using System.CommandLine;
using Ppsd.Actors.Snapshots;
using Ppsd.Host.Clusters;
using Ppsd.Host.Terminal;

namespace Ppsd.Host.Commands;

/// <summary><c>ppsd cluster status</c>: members and stages as they are now. Exit code 1 when no pipeline stands.</summary>
internal sealed class ClusterStatusCommand : PpsdCommand
{
    /// <summary>Time between the two looks that busy shares and rates come from.</summary>
    private static readonly TimeSpan _interval = TimeSpan.FromSeconds(1);

    private readonly ClusterOptions _cluster = new();
    private readonly Option<bool> _json = OptionFactory.Switch("--json", "Prints one JSON object.");

    public ClusterStatusCommand(TimeProvider clock)
        : base("status", "Prints members and stages.", clock)
    {
        Add(_cluster);
        Add(_json);
    }

    protected override async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellation)
    {
        await using var cluster = await _cluster.JoinAsync(parsed, Clock, cancellation);
        var before = await cluster.LookAsync();
        await Task.Delay(_interval, Clock, cancellation);
        var now = await cluster.LookAsync();
        var rates = SnapshotRates.Between(before, now);
        if (parsed.GetValue(_json))
        {
            StandardOutput.WriteLine(ClusterJson.Line(now, rates));
        }
        else
        {
            var console = OutputConsole.Open();
            console.Write(ClusterView.Whole(now, rates, OutputConsole.Columns));
        }

        return now.IsFormed ? 0 : 1;
    }
}
