using System.Globalization;
using Ppsd.Actors.Messages;
using Spectre.Console;
using PlainText = Spectre.Console.Text;

namespace Ppsd.Host.Terminal;

/// <summary>The figures of a generation, on standard error.</summary>
internal static class SummaryView
{
    /// <summary>Prints them.</summary>
    /// <param name="stats">The session's figures.</param>
    /// <param name="busyShares">Busy share of each stage while it ran.</param>
    /// <param name="comparison">Both modes on the same stages; null when not measured.</param>
    public static void Print(SessionStats stats, IReadOnlyList<double> busyShares, ModeComparison? comparison)
    {
        var grid = new Grid().AddColumn(new GridColumn().NoWrap().PadRight(3)).AddColumn(new GridColumn().NoWrap());
        Row("speed", Speed(stats));
        if (comparison is not null)
        {
            Row(
                "speed-up",
                Invariant(
                    $"{comparison.SpeedUp:0.00}x: {comparison.Ppsd:N0} tokens/s, autoregressive decoding on the same stages {comparison.Autoregressive:N0}"
                )
            );
        }

        if (stats.Mode == DecodeMode.Ppsd)
        {
            Row(
                "drafts",
                Invariant(
                    $"{stats.VerifiedDrafts} verified, {stats.AcceptedDrafts} accepted ({stats.AcceptanceRate:P1}), {stats.CancelledDrafts} cancelled in {stats.Rollbacks} rollbacks"
                )
            );
        }

        Row("stages busy", string.Join("  ", busyShares.Select(share => Invariant($"{share:P0}"))));
        Row(
            "time",
            Invariant($"first token after {stats.TimeToFirstTokenMs:0.0} ms, a cycle every {stats.MeanCycleMs:0.00} ms")
        );
        ErrorConsole.Open().Write(grid);

        void Row(string name, string value) => grid.AddRow(new Markup($"[grey]{name}[/]"), new PlainText(value));
    }

    /// <summary>Prints the ones that matter between two answers, in one dimmed line, if anybody is there to see it.</summary>
    public static void PrintLine(SessionStats stats)
    {
        if (ErrorConsole.IsTerminal)
        {
            var alpha = stats.VerifiedDrafts > 0 ? Invariant($", alpha {stats.AcceptanceRate:0.00}") : "";
            ErrorConsole.WriteDimmed(Speed(stats) + alpha);
        }
    }

    private static string Speed(SessionStats stats) =>
        Invariant($"{stats.TokensPerSecond:N0} tokens/s ({stats.GeneratedTokens} tokens)");

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
