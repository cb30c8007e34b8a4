using System.Text.Json.Nodes;
using static Ppsd.Host.Bench.BenchReport;

namespace Ppsd.Host.Bench.Rivals;

/// <summary>A rival's benchmark as a table and JSON.</summary>
internal static class RivalReport
{
    /// <summary>The report.</summary>
    /// <param name="result">What was measured.</param>
    /// <param name="name">The rival's name.</param>
    /// <param name="devices">Devices that it uses.</param>
    /// <param name="setting">What was measured, in words.</param>
    public static BenchReport Create(RivalBenchResult result, string name, int devices, string setting) =>
        new()
        {
            Setting = setting,
            Tables =
            [
                new BenchTable(
                    ["", "plain", name],
                    [
                        [
                            "tokens/s, median of rounds",
                            Invariant($"{result.PlainTokensPerSecond:N1}"),
                            Invariant($"{result.TokensPerSecond:N1}"),
                        ],
                        ["speed-up, same round", Invariant($"{1:0.00}"), Invariant($"{result.SpeedUp:0.00}")],
                        ["devices", Invariant($"{devices}"), Invariant($"{devices}")],
                    ]
                ),
            ],
            Facts =
            [
                (
                    "drafts",
                    Invariant(
                        $"alpha {result.Alpha:0.000}, {result.TokensPerRun:0.0} tokens a run, {result.DraftsPerToken:0.00} drafts a token, of which {result.AcceptedShare:P0} accepted"
                    )
                ),
                ("drafting", Invariant($"{result.DraftShare:P0} of the time")),
                (
                    "text",
                    result.IsTextIdentical
                        ? "identical to plain decoding, all rounds"
                        : "DIFFERS from plain decoding: please report this"
                ),
            ],
            Json = new JsonObject
            {
                ["setting"] = setting,
                ["decode"] = name,
                ["devices"] = devices,
                ["rounds"] = result.Rounds.Count,
                ["plain_tokens_per_second"] = Math.Round(result.PlainTokensPerSecond, 2),
                ["tokens_per_second"] = Math.Round(result.TokensPerSecond, 2),
                ["speed_up"] = Math.Round(result.SpeedUp, 4),
                ["alpha"] = Math.Round(result.Alpha, 4),
                ["accepted_share"] = Math.Round(result.AcceptedShare, 4),
                ["tokens_per_run"] = Math.Round(result.TokensPerRun, 3),
                ["drafts_per_token"] = Math.Round(result.DraftsPerToken, 4),
                ["draft_time_share"] = Math.Round(result.DraftShare, 4),
                ["text_identical"] = result.IsTextIdentical,
            },
        };
}
