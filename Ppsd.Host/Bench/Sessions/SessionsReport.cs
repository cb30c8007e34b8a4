using System.Text.Json.Nodes;
using static Ppsd.Host.Bench.BenchReport;

namespace Ppsd.Host.Bench.Sessions;

/// <summary>The sessions benchmark's report: medians over rounds, ratios to the first row of the same round.</summary>
/// <param name="rounds">All rounds, those of one level of concurrency in the order they ran.</param>
/// <param name="setting">What was measured, in words.</param>
internal sealed class SessionsReport(IReadOnlyList<SessionsRound> rounds, string setting)
{
    private readonly List<IGrouping<int, SessionsRound>> _levels = [.. rounds.GroupBy(round => round.Concurrency)];

    /// <summary>True when every text is the same at every concurrency.</summary>
    public bool IsTextIdentical =>
        rounds.All(round => IsAsFirst(round) && (round.Plain is null || IsAsFirst(round.Plain)));

    /// <summary>The report.</summary>
    public BenchReport Create() =>
        new()
        {
            Setting = setting,
            Tables =
            [
                new BenchTable(
                    [
                        "sessions",
                        "tokens/s",
                        "ratio",
                        "over plain",
                        "rows a step",
                        "drafts a token",
                        "alpha",
                        "TTFT, ms",
                        "stages busy",
                        "CPU ms a token",
                    ],
                    [.. _levels.Select(Row)]
                ),
            ],
            Facts =
            [
                (
                    "text",
                    IsTextIdentical
                        ? "identical at every concurrency, all rounds"
                        : "DIFFERS with concurrency: please report this"
                ),
            ],
            Json = new JsonObject
            {
                ["setting"] = setting,
                ["text_identical"] = IsTextIdentical,
                ["levels"] = new JsonArray([.. _levels.Select(level => (JsonNode)Json(level))]),
            },
        };

    private IReadOnlyList<string> Row(IGrouping<int, SessionsRound> level) =>
        [
            Invariant($"{level.Key}"),
            Invariant($"{Median(level, round => round.TokensPerSecond):N0}"),
            Invariant($"{Ratio(level):0.00}"),
            Invariant($"{Median(level, round => round.OverPlain):0.000}"),
            Invariant($"{Median(level, round => round.RowsPerStep):0.0}"),
            Invariant($"{Median(level, round => round.DraftShare):0.00}"),
            Invariant($"{Median(level, round => round.Alpha):0.00}"),
            Invariant($"{Median(level, round => round.TimeToFirstTokenMs):0.0}"),
            Invariant($"{Median(level, BusyStages):0.0}"),
            Invariant($"{Median(level, round => round.ProcessorMsPerToken):0.000}"),
        ];

    private JsonObject Json(IGrouping<int, SessionsRound> level) =>
        new()
        {
            ["sessions"] = level.Key,
            ["tokens_per_second"] = Median(level, round => round.TokensPerSecond),
            ["ratio"] = Ratio(level),
            ["over_plain"] = Median(level, round => round.OverPlain),
            ["rows_per_step"] = Median(level, round => round.RowsPerStep),
            ["drafts_per_token"] = Median(level, round => round.DraftShare),
            ["alpha"] = Median(level, round => round.Alpha),
            ["time_to_first_token_ms"] = Median(level, round => round.TimeToFirstTokenMs),
            ["busy_stages"] = Median(level, BusyStages),
            ["processor_ms_per_token"] = Median(level, round => round.ProcessorMsPerToken),
        };

    private double Ratio(IGrouping<int, SessionsRound> level) =>
        Statistics.Median(level.Zip(_levels[0], (a, b) => a.TokensPerSecond / b.TokensPerSecond));

    private bool IsAsFirst(SessionsRound round) =>
        round.Results.Zip(rounds[0].Results, (a, b) => a.TokenIds.SequenceEqual(b.TokenIds)).All(isEqual => isEqual);

    private static double BusyStages(SessionsRound round) =>
        Enumerable.Range(0, round.Stages.Count).Sum(round.BusyShare);

    private static double Median(IEnumerable<SessionsRound> rounds, Func<SessionsRound, double> figure) =>
        Statistics.Median(rounds.Select(figure));
}
