using System.CommandLine;
using System.Text.Json.Nodes;
using Ppsd.Actors.Planning;
using Ppsd.Host.Bench;
using Ppsd.Host.Bench.Link;
using Ppsd.Host.Models;
using Ppsd.Host.Planning.Measurement;
using static Ppsd.Host.Bench.BenchReport;

namespace Ppsd.Host.Commands;

/// <summary>
/// <c>ppsd bench profile</c>: time before and after the cut for each exit depth and length of text, and what handing over
/// costs against it.
/// </summary>
internal sealed class BenchProfileCommand : PpsdCommand
{
    private static readonly int[] _defaultLengths = [64, 256, 1024];

    private readonly ModelOptions _model = new();
    private readonly StageOptions _stages = new();
    private readonly NodeOptions _node = new();
    private readonly ReportOptions _report = new();
    private readonly PlotOption _plot = new();

    private readonly Option<int[]?> _depths = OptionFactory.Counts(
        "--depths",
        "E,E,…",
        "Exit layers to cut after; an eighth, a quarter and a half of the model by default."
    );

    private readonly Option<int[]?> _lengths = OptionFactory.Counts(
        "--lengths",
        "N,N,…",
        "Tokens of text before the candidate; 64, 256 and 1024 by default, as far as the model goes."
    );

    public BenchProfileCommand(TimeProvider clock)
        : base("profile", "Times stages by exit depth and length of text, and transfer against compute.", clock)
    {
        Add(_model);
        Add(_stages);
        Add(_depths);
        Add(_lengths);
        Add(_report);
        Add(_plot);
        Add(_node);
    }

    protected override async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellation)
    {
        var assets = _model.Open(parsed, _stages, Clock);
        var settings = _stages.Settings(parsed, stagesHere: 1);
        var layerCount = assets.Config.LayerCount;
        var depths = Checked(
            "--depths",
            parsed.GetValue(_depths) is { Length: > 0 } given
                ? given
                : [.. ((int[])[layerCount / 8, layerCount / 4, layerCount / 2]).Where(depth => depth > 0).Distinct()],
            layerCount - 1
        );
        var mostTokens = assets.Config.MaxPositions - StageProbe.AddedTokens - 1;
        var lengths = Checked(
            "--lengths",
            parsed.GetValue(_lengths) is { Length: > 0 } asked
                ? asked
                : [.. _defaultLengths.Where(length => length <= mostTokens)],
            mostTokens
        );
        var hopMs = await HopMsAsync(parsed, assets, cancellation);

        var timings = new List<DepthTiming>();
        foreach (var depth in depths)
        {
            // A head of a synthetic model goes wherever the cut is; a trained one stays where it belongs.
            var model = assets.Synthetic is { } synthetic
                ? ModelAssets.Open(synthetic with { ExitLayer = depth })
                : assets;
            foreach (var length in lengths)
            {
                cancellation.ThrowIfCancellationRequested();
                var costs = new CostMeasurement(model, settings, stageCount: 1, length, Clock);
                var first = costs.Measure(model, new LayerRange(0, depth), stage: 0);
                var rest = costs.Measure(model, new LayerRange(depth, layerCount - depth), stage: 0);
                timings.Add(
                    new DepthTiming(
                        depth,
                        length,
                        first.LayersMs,
                        first.HeadMs > 0 ? first.HeadMs : double.NaN,
                        rest.LayersMs,
                        rest.HeadMs,
                        hopMs
                    )
                );
            }
        }

        _report.Print(parsed, Report(assets, settings.Devices[0], timings));
        _plot.Draw(
            parsed,
            new BenchPlot(
                $"{assets.Name}: layers before the cut",
                "tokens of text",
                "ms a candidate",
                [
                    .. timings
                        .GroupBy(timing => timing.ExitLayer)
                        .Select(group => new PlotSeries(
                            $"{group.Key} layers",
                            [.. group.Select(timing => (double)timing.Length)],
                            [.. group.Select(timing => timing.FirstMs)]
                        )),
                ]
            )
        );
        return 0;
    }

    private async Task<double> HopMsAsync(ParseResult parsed, ModelAssets assets, CancellationToken cancellation)
    {
        await using var link = await LinkBench.StartRemoteAsync(_node.Settings(parsed), Clock, cancellation);
        return (await link.MeasureAsync(assets.Config.HiddenSize * sizeof(float), count: 200, cancellation)).HopMs;
    }

    private static int[] Checked(string option, int[] values, int most) =>
        Array.Find(values, value => value > most) is var bad and > 0
            ? throw new UserErrorException($"{option}: expected numbers from 1 to {most} for this model, found {bad}")
            : values;

    private static BenchReport Report(ModelAssets assets, string device, IReadOnlyList<DepthTiming> timings) =>
        new()
        {
            Setting = $"{assets.Name} on {device}; one candidate; hops between two processes on loopback",
            Tables =
            [
                new BenchTable(
                    [
                        "exit layer",
                        "tokens before",
                        "layers before, ms",
                        "exit head, ms",
                        "layers after, ms",
                        "target head, ms",
                        "hop, ms",
                        "hop / layers before",
                    ],
                    [
                        .. timings.Select(timing =>
                            (IReadOnlyList<string>)
                                [
                                    Invariant($"{timing.ExitLayer}"),
                                    Invariant($"{timing.Length}"),
                                    Invariant($"{timing.FirstMs:0.000}"),
                                    Invariant($"{timing.ExitHeadMs:0.000}"),
                                    Invariant($"{timing.RestMs:0.000}"),
                                    Invariant($"{timing.TargetHeadMs:0.000}"),
                                    Invariant($"{timing.TransferMs:0.000}"),
                                    Invariant($"{timing.TransferShare:P1}"),
                                ]
                        ),
                    ]
                ),
            ],
            Json = new JsonObject
            {
                ["model"] = assets.Name,
                ["device"] = device,
                ["timings"] = new JsonArray([
                    .. timings.Select(timing =>
                        (JsonNode)
                            new JsonObject
                            {
                                ["exit_layer"] = timing.ExitLayer,
                                ["tokens"] = timing.Length,
                                ["first_ms"] = timing.FirstMs,
                                ["exit_head_ms"] = timing.ExitHeadMs,
                                ["rest_ms"] = timing.RestMs,
                                ["target_head_ms"] = timing.TargetHeadMs,
                                ["transfer_ms"] = timing.TransferMs,
                            }
                    ),
                ]),
            },
        };
}
