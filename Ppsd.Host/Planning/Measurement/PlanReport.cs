using System.Text.Json.Nodes;
using Ppsd.Actors.Planning;
using Ppsd.Host.Bench;
using Ppsd.Host.Bench.Decode;
using Ppsd.Host.Models;
using static Ppsd.Host.Bench.BenchReport;

namespace Ppsd.Host.Planning.Measurement;

/// <summary>A plan for people: each stage, what was predicted, and what was measured where it was.</summary>
/// <param name="assets">The model with the chosen head.</param>
/// <param name="planned">The plan.</param>
/// <param name="costs">Costs of each device.</param>
/// <param name="length">Tokens of text behind which they were measured.</param>
/// <param name="measured">Decoding by the plan; null where it was not.</param>
internal sealed class PlanReport(
    ModelAssets assets,
    PlannedPipeline planned,
    IReadOnlyList<StageCosts> costs,
    int length,
    DecodeBenchResult? measured
)
{
    /// <summary>The report.</summary>
    public BenchReport Create() =>
        new()
        {
            Setting = Setting(),
            Tables = [Stages(), Speeds()],
            Facts =
            [
                .. costs.Select(
                    (cost, device) =>
                        (
                            $"device {device + 1}",
                            Invariant(
                                $"{cost.LayerMs:0.0000} ms a layer, {cost.StepMs:0.0000} ms a step, {cost.TargetHeadMs:0.0000} ms target head"
                            )
                        )
                ),
                ("link", Invariant($"{planned.Times.HandOverMs:0.000} ms a hop")),
            ],
            Json = Json(),
        };

    private string Setting()
    {
        var head = planned.ExitHead is { } chosen
            ? $"{assets.ExitHead!.Kind.ToString().ToLowerInvariant()} head after layer {chosen.ExitLayer}"
            : "no exit head";
        return Invariant(
            $"{assets.Name}: stages of {planned.Stages} layers, {head}; alpha {planned.Times.Alpha:0.00}; steps behind {length} tokens; {Environment.ProcessorCount} cores"
        );
    }

    private BenchTable Stages()
    {
        var columns = new List<string> { "stage", "layers", "holds", "predicted, ms" };
        if (measured is not null)
        {
            columns.Add("measured, ms");
        }

        return new BenchTable(
            columns,
            [.. planned.Stages.Stages.Select((layers, stage) => (IReadOnlyList<string>)[.. Stage(layers, stage)])]
        );
    }

    private IEnumerable<string> Stage(LayerRange layers, int stage)
    {
        var isHead = stage == 0 && planned.ExitHead is not null;
        yield return Invariant($"{stage + 1}");
        yield return Invariant($"{layers.Count}");
        yield return isHead ? "exit head"
        : stage == planned.Stages.Stages.Count - 1 ? "target head"
        : "-";
        yield return Invariant($"{planned.Times.StageMs[stage] + (isHead ? planned.Times.ExitHeadMs : 0):0.000}");
        if (measured is not null)
        {
            yield return Invariant($"{measured.StageMs(stage) + (isHead ? measured.ExitHeadMs : 0):0.000}");
        }
    }

    private BenchTable Speeds()
    {
        var columns = new List<string> { "", "predicted, tokens/s" };
        if (measured is not null)
        {
            columns.Add("measured, tokens/s");
        }

        var rows = new List<IReadOnlyList<string>>
        {
            Speed("autoregressive", planned.Times.AutoregressiveMs, BenchArm.Autoregressive),
        };
        if (planned.ExitHead is not null)
        {
            rows.Add(Speed("ppsd", planned.MsPerToken, BenchArm.Ppsd));
        }

        return new BenchTable(columns, rows);
    }

    private string[] Speed(string name, double msPerToken, BenchArm arm) =>
        [
            name,
            Invariant($"{1000 / msPerToken:N1}"),
            .. measured is null ? (string[])[] : [Invariant($"{measured.TokensPerSecond(arm):N1}")],
        ];

    private JsonObject Json()
    {
        var json = new JsonObject
        {
            ["stage_layers"] = new JsonArray([.. planned.Stages.Stages.Select(stage => (JsonNode)stage.Count)]),
            ["exit_layer"] = planned.ExitHead?.ExitLayer,
            ["alpha"] = planned.Times.Alpha,
            ["stage_ms"] = new JsonArray([.. planned.Times.StageMs.Select(ms => (JsonNode)ms)]),
            ["exit_head_ms"] = planned.Times.ExitHeadMs,
            ["hop_ms"] = planned.Times.HandOverMs,
            ["autoregressive_tokens_per_second"] = 1000 / planned.Times.AutoregressiveMs,
            ["ppsd_tokens_per_second"] = 1000 / planned.MsPerToken,
        };
        if (measured is not null)
        {
            json["measured_autoregressive_tokens_per_second"] = measured.TokensPerSecond(BenchArm.Autoregressive);
            if (measured.HasPpsd)
            {
                json["measured_ppsd_tokens_per_second"] = measured.TokensPerSecond(BenchArm.Ppsd);
                json["measured_alpha"] = measured.Alpha;
            }
        }

        return json;
    }
}
