using System.Globalization;
using Ppsd.Actors.Messages;
using Ppsd.Host.Generation;
using Ppsd.Kernels.Sampling;

namespace Ppsd.Host.Terminal;

/// <summary>The figures of a generation, on standard error.</summary>
internal static class SummaryView
{
    /// <summary>Prints them.</summary>
    /// <param name="stats">The session's figures.</param>
    /// <param name="settings">How the text was generated.</param>
    /// <param name="setting">Stages and devices it ran on, in words.</param>
    /// <param name="oneStage">Tokens per second that one stage should give without drafts, where that is more; null elsewhere.</param>
    /// <param name="busyShares">Busy share of each stage while it ran; none where one thread ran them in turn.</param>
    public static void Print(
        SessionStats stats,
        GenerationSettings settings,
        string setting,
        IReadOnlyList<double> busyShares,
        double? oneStage = null
    )
    {
        var rows = new List<(string Name, string Value)> { ("speed", Speed(stats)), ("ran on", setting) };
        if (oneStage is { } faster)
        {
            rows.Add(
                (
                    "",
                    Invariant(
                        $"one stage without drafts should give about {faster:N0} tokens/s for a single text (--stages 1; --compare measures)"
                    )
                )
            );
        }

        // One stage makes drafts only where they reach beyond its own verdict: those of a chain or of n-grams.
        if (stats.Drafts != DraftSources.None && (stats.StageCount > 1 || stats.VerifiedDrafts > 0))
        {
            rows.Add(
                (
                    "drafts",
                    Invariant(
                        $"{stats.VerifiedDrafts} verified, {stats.AcceptedDrafts} accepted{Rate(stats)}, {stats.CancelledDrafts} cancelled in {stats.Rollbacks} {(stats.Rollbacks == 1 ? "rollback" : "rollbacks")}"
                    )
                )
            );
        }

        if (busyShares.Count > 0)
        {
            rows.Add(("stages busy", string.Join("  ", busyShares.Select(share => Invariant($"{share:P0}")))));
        }

        var cycle = stats.MeanCycleMs > 0 ? Invariant($", a cycle every {stats.MeanCycleMs:0.00} ms") : "";
        rows.Add(("time", Invariant($"first token after {stats.TimeToFirstTokenMs:0.0} ms{cycle}")));
        if (!SamplingParameters.IsGreedyAt(settings.Sampling.Temperature))
        {
            rows.Add(("seed", SeedOf(settings)));
        }

        Print(rows);
    }

    /// <summary>Prints how fast the same text comes without drafts.</summary>
    public static void Print(ModeComparison comparison)
    {
        var rows = new List<(string Name, string Value)>
        {
            (
                "compared",
                Invariant(
                    $"{comparison.SpeedUp:0.00}x with drafts: {comparison.Ppsd:N0} tokens/s, without {comparison.Autoregressive:N0}, on the same {comparison.StageCount} stages"
                )
            ),
        };
        if (comparison.OneStage is { } oneStage)
        {
            var verdict = oneStage > comparison.Ppsd ? "; faster still for a single text (--stages 1)" : "";
            rows.Add(
                (
                    "",
                    Invariant(
                        $"{oneStage:N0} tokens/s without drafts on one stage with all {comparison.OneStageThreads} threads{verdict}"
                    )
                )
            );
        }

        Print(rows);
    }

    /// <summary>Prints the ones that matter between two answers, in one dimmed line.</summary>
    public static void PrintLine(SessionStats stats, GenerationSettings settings)
    {
        var seed = settings.IsSeedDrawn ? Invariant($", seed {settings.Sampling.Seed}") : "";
        if (ErrorConsole.IsTerminal)
        {
            var alpha = stats.VerifiedDrafts > 0 ? Invariant($", alpha {stats.AcceptanceRate:0.00}") : "";
            ErrorConsole.WriteDimmed(Speed(stats) + alpha + seed);
        }
        else if (settings.IsSeedDrawn)
        {
            Console.Error.WriteLine(Seed(settings));
        }
    }

    /// <summary>The seed as a line of its own.</summary>
    public static string Seed(GenerationSettings settings) => $"seed {SeedOf(settings)}";

    private static string SeedOf(GenerationSettings settings) =>
        Invariant($"{settings.Sampling.Seed}")
        + (settings.IsSeedDrawn ? Invariant($" (drawn; --seed {settings.Sampling.Seed} gives this text again)") : "");

    private static void Print(IEnumerable<(string Name, string Value)> rows)
    {
        var lines = new NamedLines(ErrorConsole.Columns, ErrorConsole.HasColours);
        Console.Error.Write(string.Concat(rows.Select(row => lines.Of(row.Name, row.Value))));
    }

    private static string Rate(SessionStats stats) =>
        stats.VerifiedDrafts == 0 ? "" : Invariant($" ({stats.AcceptanceRate:P1})");

    private static string Speed(SessionStats stats) =>
        stats.GeneratedTokens < 2
            ? Invariant($"{stats.GeneratedTokens} token")
            : Invariant($"{stats.TokensPerSecond:N0} tokens/s ({stats.GeneratedTokens} tokens)");

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
