using System.Text.Json.Nodes;
using Ppsd.Actors.Planning;
using Ppsd.Host.Bench;
using Ppsd.Host.Bench.Decode;
using Ppsd.Host.Models;
using static Ppsd.Host.Bench.BenchReport;

namespace Ppsd.Host.Planning.Measurement;

/// <summary>A plan for people: each stage, what was predicted and measured, and the plans it was chosen from.</summary>
/// <param name="chosen">The plan, measured.</param>
/// <param name="candidates">All plans, measured.</param>
/// <param name="length">Tokens of text behind which steps were timed.</param>
internal sealed class PlanReport(PlanCandidate chosen, IReadOnlyList<PlanCandidate> candidates, int length)
{
    private readonly ModelAssets _assets = chosen.Assets;
    private readonly PlannedPipeline _planned = chosen.Planned;
    private readonly DecodeBenchResult _measured = chosen.Measured!;

    /// <summary>The report.</summary>
    public BenchReport Create() =>
        new()
        {
            Setting = Setting(),
            Tables = candidates.Count > 1 ? [Stages(), Speeds(), Choice()] : [Stages(), Speeds()],
            Facts =
            [
                .. chosen.Costs.Select(
                    (cost, device) =>
                        (
                            $"device {device + 1}",
                            Invariant(
                                $"{cost.LayerMs:0.0000} ms a layer, {cost.StepMs:0.0000} ms a step, {cost.TargetHeadMs:0.0000} ms target head"
                            )
                        )
                ),
                ("link", Invariant($"{_planned.Times.HandOverMs:0.000} ms a hop")),
                .. _planned.Chain is { } chain
                    ? ((string, string)[])
                        [
                            (
                                "chain",
                                Invariant(
                                    $"{chain.Depth} tokens ahead and {chain.Width} candidates a step expected; {_planned.ExitHead!.HeadMs:0.0000} ms for the first, {_planned.ExitHead.Rows.ChainMs:0.0000} ms for each further one"
                                )
                            ),
                        ]
                    : [],
                .. Remark() is { } plain ? ((string, string)[])[("decoding", plain)] : [],
            ],
            Json = Json(),
        };

    /// <summary>That drafts are slower for a single text, if they were measured to be; null where they are not.</summary>
    public string? Remark()
    {
        var drafted = candidates
            .Where(candidate => candidate.Planned != _planned)
            .Append(chosen)
            .Max(candidate => candidate.DraftedTokensPerSecond);
        return chosen.IsPlain && drafted is { } most
            ? Invariant(
                $"plain is faster here for a single text: {chosen.MeasuredTokensPerSecond:N1} tokens/s, with drafts {most:N1} at most; --drafts none decodes so"
            )
            : null;
    }

    private string Setting()
    {
        var head = _planned.ExitHead is { } chosen
            ? $"{_assets.ExitHead!.Kind.ToString().ToLowerInvariant()} head after layer {chosen.ExitLayer}"
            : "no exit head";
        return Invariant(
            $"{_assets.Name}: stages of {_planned.Stages} layers, {head}; alpha {_planned.Times.Alpha:0.00}; steps behind {length} tokens; {Environment.ProcessorCount} cores"
        );
    }

    private BenchTable Stages()
    {
        return new BenchTable(
            ["stage", "layers", "holds", "predicted, ms", "measured, ms"],
            [.. _planned.Stages.Stages.Select((layers, stage) => (IReadOnlyList<string>)[.. Stage(layers, stage)])]
        );
    }

    private IEnumerable<string> Stage(LayerRange layers, int stage)
    {
        var isHead = stage == 0 && _planned.ExitHead is not null;
        yield return Invariant($"{stage + 1}");
        yield return Invariant($"{layers.Count}");
        yield return isHead ? "exit head"
        : stage == _planned.Stages.Stages.Count - 1 ? "target head"
        : "-";
        yield return Invariant($"{_planned.Times.StageMs[stage] + (isHead ? _planned.Times.ExitHeadMs : 0):0.000}");
        yield return Invariant($"{_measured.StageMs(stage) + (isHead ? _measured.ExitHeadMs : 0):0.000}");
    }

    private BenchTable Speeds()
    {
        var rows = new List<IReadOnlyList<string>>
        {
            Speed("autoregressive", _planned.Times.AutoregressiveMs, BenchArm.Autoregressive),
        };
        if (_measured.HasPpsd)
        {
            rows.Add(Speed("ppsd", _planned.MsPerToken, BenchArm.Ppsd));
        }

        return new BenchTable(["", "predicted, tokens/s", "measured, tokens/s"], rows);
    }

    private string[] Speed(string name, double msPerToken, BenchArm arm) =>
        [name, Invariant($"{1000 / msPerToken:N1}"), Invariant($"{_measured.TokensPerSecond(arm):N1}")];

    /// <summary>Every plan with what a short run by it gave; the fastest was chosen.</summary>
    private BenchTable Choice() =>
        new(
            ["plan", "threads a stage", "drafts", "predicted, tokens/s", "short run, tokens/s", ""],
            [
                .. candidates.Select(candidate =>
                    (IReadOnlyList<string>)
                        [
                            $"stages of {candidate.Planned.Stages} layers",
                            Invariant($"{candidate.Settings.Threads}"),
                            candidate.DraftedTokensPerSecond is null ? "no"
                            : candidate.IsPlain ? "slower"
                            : "yes",
                            Invariant($"{candidate.PredictedTokensPerSecond:N1}"),
                            Invariant($"{candidate.MeasuredTokensPerSecond:N1}"),
                            candidate.Planned == _planned ? "chosen" : "",
                        ]
                ),
            ]
        );

    private JsonObject Json()
    {
        var json = new JsonObject
        {
            ["stage_layers"] = new JsonArray([.. _planned.Stages.Stages.Select(stage => (JsonNode)stage.Count)]),
            ["exit_layer"] = _planned.ExitHead?.ExitLayer,
            ["alpha"] = _planned.Times.Alpha,
            ["stage_ms"] = new JsonArray([.. _planned.Times.StageMs.Select(ms => (JsonNode)ms)]),
            ["exit_head_ms"] = _planned.Times.ExitHeadMs,
            ["hop_ms"] = _planned.Times.HandOverMs,
            ["decode"] = chosen.IsPlain ? "plain" : "ppsd",
            ["chain_depth"] = _planned.Chain?.Depth,
            ["width"] = _planned.Chain?.Width,
            ["autoregressive_tokens_per_second"] = 1000 / _planned.Times.AutoregressiveMs,
            ["ppsd_tokens_per_second"] = 1000 / _planned.MsPerToken,
        };
        json["measured_autoregressive_tokens_per_second"] = _measured.TokensPerSecond(BenchArm.Autoregressive);
        if (_measured.HasPpsd)
        {
            json["measured_ppsd_tokens_per_second"] = _measured.TokensPerSecond(BenchArm.Ppsd);
            json["measured_alpha"] = _measured.Alpha;
        }

        json["candidates"] = new JsonArray([
            .. candidates.Select(candidate =>
                (JsonNode)
                    new JsonObject
                    {
                        ["stage_layers"] = $"{candidate.Planned.Stages}",
                        ["threads"] = candidate.Settings.Threads,
                        ["predicted_tokens_per_second"] = candidate.PredictedTokensPerSecond,
                        ["measured_tokens_per_second"] = candidate.MeasuredTokensPerSecond,
                    }
            ),
        ]);
        return json;
    }
}
