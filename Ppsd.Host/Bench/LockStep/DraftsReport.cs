using System.Text.Json.Nodes;

namespace Ppsd.Host.Bench.LockStep;

/// <summary>The drafts benchmark's result as tables and JSON.</summary>
internal static class DraftsReport
{
    /// <summary>The report.</summary>
    /// <param name="result">What was counted.</param>
    /// <param name="setting">What was decoded, in words.</param>
    public static BenchReport Create(DraftsBenchResult result, string setting) =>
        new()
        {
            Setting = setting,
            Tables =
            [
                new BenchTable(
                    ["decode", "cycles/token", "rows/cycle", "accepted/cycle", "speed-up"],
                    [
                        ["plain", F($"{Plain(result):0.00}"), F($"{Rows(result):0.00}"), "", F($"{1:0.00}")],
                        [
                            "drafts",
                            F($"{result.CyclesPerToken:0.000}"),
                            F($"{result.RowsPerCycle:0.00}"),
                            F($"{result.AcceptedPerCycle:0.00}"),
                            F($"{result.SpeedUp:0.00}"),
                        ],
                    ]
                ),
                SourceTable.Of(result.Sources),
            ],
            Facts =
            [
                ("tokens", F($"{result.Tokens} after the first of {result.Drafted.Count} texts")),
                .. result.Predicted is { } speeds
                    ? ((string, string)[])
                        [
                            (
                                "predicted",
                                F(
                                    $"{speeds.Drafted:N1} tokens/s with drafts, {speeds.Plain:N1} without, {speeds.Drafted / speeds.Plain:0.00}x, by the costs of the plan"
                                )
                            ),
                        ]
                    : [],
                (
                    "text",
                    result.IsTextIdentical
                        ? "identical to plain decoding"
                        : "DIFFERS from plain decoding: please report this"
                ),
            ],
            Json = Json(result, setting),
        };

    private static JsonObject Json(DraftsBenchResult result, string setting)
    {
        var json = new JsonObject
        {
            ["setting"] = setting,
            ["stages"] = result.Formed.Stages.Length,
            ["texts"] = result.Drafted.Count,
            ["tokens"] = result.Tokens,
            ["cycles_per_token"] = Math.Round(result.CyclesPerToken, 4),
            ["rows_per_cycle"] = Math.Round(result.RowsPerCycle, 4),
            ["accepted_per_cycle"] = Math.Round(result.AcceptedPerCycle, 4),
            ["speed_up"] = Math.Round(result.SpeedUp, 4),
            ["text_identical"] = result.IsTextIdentical,
            ["sources"] = SourceTable.Json(result.Sources),
        };
        if (result.Predicted is { } speeds)
        {
            json["tokens_per_second"] = Math.Round(speeds.Drafted, 2);
            json["plain_tokens_per_second"] = Math.Round(speeds.Plain, 2);
        }

        return json;
    }

    private static double Plain(DraftsBenchResult result) =>
        result.Tokens == 0 ? 0 : (double)result.Plain.Sum(text => text.Cycles) / result.Tokens;

    private static double Rows(DraftsBenchResult result)
    {
        var cycles = result.Plain.Sum(text => text.Cycles);
        return cycles == 0 ? 0 : (double)result.Plain.Sum(text => text.Rows) / cycles;
    }

    private static string F(FormattableString text) => BenchReport.Invariant(text);
}
