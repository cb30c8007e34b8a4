using System.CommandLine;
using Ppsd.Actors.Snapshots;
using Ppsd.Host.Clusters;
using Ppsd.Host.Terminal;
using Spectre.Console;

namespace Ppsd.Host.Commands;

/// <summary>
/// <c>ppsd cluster top</c>: what the pipeline is doing, until q or Ctrl+C. Where there is no terminal, a line per
/// interval.
/// </summary>
internal sealed class ClusterTopCommand : PpsdCommand
{
    private readonly ClusterOptions _cluster = new();

    private readonly Option<double?> _interval = OptionFactory.Number(
        "--interval",
        "SECONDS",
        "Time between looks; 1 by default.",
        0.1,
        3600
    );

    private readonly Option<int?> _count = OptionFactory.Number(
        "--count",
        "N",
        "Ends after this many updates; by default it runs until stopped.",
        1,
        int.MaxValue
    );

    public ClusterTopCommand(TimeProvider clock)
        : base("top", "Shows busy shares, tokens/s and sessions as they change.", clock)
    {
        Add(_cluster);
        Add(_interval);
        Add(_count);
    }

    protected override async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellation)
    {
        await using var cluster = await _cluster.JoinAsync(parsed, Clock, cancellation);
        using var quit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var looks = LooksAsync(
            cluster,
            TimeSpan.FromSeconds(parsed.GetValue(_interval) ?? 1),
            parsed.GetValue(_count) ?? int.MaxValue,
            quit
        );
        if (OutputConsole.IsTerminal)
        {
            await ShowAsync(looks);
        }
        else
        {
            await foreach (var (now, rates) in looks)
            {
                StandardOutput.WriteLine(ClusterView.Line(now, rates));
            }
        }

        return 0;
    }

    /// <summary>Snapshots with what happened since the one before, until somebody quits.</summary>
    private async IAsyncEnumerable<(ClusterSnapshot Now, SnapshotRates Rates)> LooksAsync(
        ClusterObserver cluster,
        TimeSpan interval,
        int count,
        CancellationTokenSource quit
    )
    {
        var before = await cluster.LookAsync();
        for (var i = 0; i < count && await WaitAsync(interval, quit); i++)
        {
            var now = await cluster.LookAsync();
            yield return (now, SnapshotRates.Between(before, now));
            before = now;
        }
    }

    private static async Task ShowAsync(IAsyncEnumerable<(ClusterSnapshot Now, SnapshotRates Rates)> looks)
    {
        var console = OutputConsole.Open();
        await console
            .Live(new Spectre.Console.Text("looking ..."))
            .AutoClear(true)
            .Overflow(VerticalOverflow.Crop)
            .StartAsync(async live =>
            {
                await foreach (var (now, rates) in looks)
                {
                    live.UpdateTarget(ClusterView.Whole(now, rates, OutputConsole.Columns, showsKeys: true));
                }
            });
    }

    /// <summary>Waits, with an eye on the keyboard; false when it is time to go.</summary>
    private async Task<bool> WaitAsync(TimeSpan interval, CancellationTokenSource quit)
    {
        var slice = TimeSpan.FromMilliseconds(100);
        for (var waited = TimeSpan.Zero; waited < interval; waited += slice)
        {
            while (!Console.IsInputRedirected && OutputConsole.IsTerminal && Console.KeyAvailable)
            {
                if (Console.ReadKey(intercept: true).Key is ConsoleKey.Q or ConsoleKey.Escape)
                {
                    return false;
                }
            }

            try
            {
                await Task.Delay(slice, Clock, quit.Token);
            }
            catch (OperationCanceledException)
            {
                return false;
            }
        }

        return true;
    }
}
