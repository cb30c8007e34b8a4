using System.Globalization;
using Spectre.Console;

namespace Ppsd.Host.Bench.Sessions;

/// <summary>The sessions benchmark's result as a table: medians over rounds, ratios to the first row of the same round.</summary>
internal sealed class SessionsReport(IReadOnlyList<SessionsRound> rounds, string setting)
{
    /// <summary>True when every text is the same at every concurrency.</summary>
    public bool IsTextIdentical =>
        rounds.All(round =>
            round.Results.Zip(rounds[0].Results, (a, b) => a.TokenIds.SequenceEqual(b.TokenIds)).All(isEqual => isEqual)
        );

    /// <summary>Prints the table.</summary>
    public void Print(IAnsiConsole console)
    {
        console.WriteLine(setting);
        var table = new Table().Border(TableBorder.Simple);
        foreach (
            var column in (string[])
                ["sessions", "tokens/s", "ratio", "rows", "drafts", "alpha", "TTFT", "busy", "CPU ms"]
        )
        {
            table.AddColumn(new TableColumn(column).RightAligned());
        }

        var levels = rounds.GroupBy(round => round.Concurrency).ToList();
        foreach (var level in levels)
        {
            table.AddRow(
                Cell($"{level.Key}"),
                Cell($"{Median(level, round => round.TokensPerSecond):N0}"),
                Cell(
                    $"{Statistics.Median(level.Zip(levels[0], (a, b) => a.TokensPerSecond / b.TokensPerSecond)):0.00}"
                ),
                Cell($"{Median(level, round => round.RowsPerStep):0.0}"),
                Cell($"{Median(level, round => round.DraftShare):0.00}"),
                Cell($"{Median(level, round => round.Alpha):0.00}"),
                Cell($"{Median(level, round => round.TimeToFirstTokenMs):0.0}"),
                Cell($"{Median(level, BusyStages):0.0}"),
                Cell($"{Median(level, round => round.ProcessorMsPerToken):0.000}")
            );
        }

        console.Write(table);
        console.WriteLine(
            IsTextIdentical
                ? "text            identical at every concurrency, all rounds"
                : "text            DIFFERS with concurrency: please report this"
        );
    }

    private static double BusyStages(SessionsRound round) =>
        Enumerable.Range(0, round.Stages.Count).Sum(round.BusyShare);

    private static double Median(IEnumerable<SessionsRound> rounds, Func<SessionsRound, double> figure) =>
        Statistics.Median(rounds.Select(figure));

    private static string Cell(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
