using System.CommandLine;
using Ppsd.Actors.Snapshots;
using Ppsd.Host.Clusters;
using Ppsd.Host.Terminal;

namespace Ppsd.Host.Commands;

/// <summary><c>ppsd cluster status</c>: members and stages as they are now. Exit code 1 when no pipeline stands.</summary>
internal sealed class ClusterStatusCommand
{
    /// <summary>Time between the two looks that busy shares and rates come from.</summary>
    private static readonly TimeSpan _interval = TimeSpan.FromSeconds(1);

    private readonly TimeProvider _clock;
    private readonly ClusterOptions _cluster = new();
    private readonly Option<bool> _json = OptionFactory.Switch("--json", "Prints one JSON object.");

    private ClusterStatusCommand(TimeProvider clock) => _clock = clock;

    /// <summary>The command.</summary>
    public static Command Create(TimeProvider clock)
    {
        var status = new ClusterStatusCommand(clock);
        var command = new Command("status", "Prints members and stages.");
        status._cluster.AddTo(command);
        command.Options.Add(status._json);
        command.SetAction(status.RunAsync);
        return command;
    }

    private async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellation)
    {
        await using var cluster = await _cluster.JoinAsync(parsed, _clock, cancellation);
        var before = await cluster.LookAsync();
        await Task.Delay(_interval, _clock, cancellation);
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
