using System.CommandLine;
using Ppsd.Host.Bench;
using Ppsd.Host.Bench.Decode;
using Ppsd.Host.Bench.Link;
using Ppsd.Host.Models;
using Ppsd.Host.Pipelines;
using Ppsd.Host.Planning;
using Ppsd.Host.Planning.Measurement;
using Ppsd.Host.Runtime;
using static Ppsd.Host.Bench.BenchReport;

namespace Ppsd.Host.Commands;

/// <summary>
/// <c>ppsd plan</c>: measures layers, heads and the link on the devices at hand and chooses the exit layer and the cut of
/// least expected time per token.
/// </summary>
internal sealed class PlanCommand : PpsdCommand
{
    private const int DefaultStages = 4;
    private const double DefaultAlpha = 0.8;
    private const int LinkMessages = 200;

    private readonly ModelOptions _model = new(calibrates: true);
    private readonly StageOptions _stages = new();
    private readonly SamplingOptions _sampling = new();
    private readonly NodeOptions _node = new();
    private readonly ReportOptions _report = new();

    private readonly Option<string?> _alpha = OptionFactory.Text(
        "--alpha",
        "A|E:A,E:A,…",
        "Acceptance rate expected, for every exit layer or by exit layer; --synthetic-alpha's or 0.8 by default."
    );

    private readonly Option<int?> _context = OptionFactory.Number(
        "--context",
        "N",
        "Tokens of text behind which steps are timed; 128 by default.",
        1,
        1_000_000
    );

    private readonly Option<bool> _remote = OptionFactory.Switch(
        "--remote-links",
        "Plans for stages in processes of their own: measures the link between two."
    );

    private readonly Option<string?> _out = OptionFactory.Text(
        "--out",
        "FILE",
        "Writes the plan, for --plan of stage, generate and bench."
    );

    private readonly Option<bool> _measure = OptionFactory.Switch(
        "--measure",
        "Decodes by the plan and prints the measurement beside the prediction."
    );

    public PlanCommand(TimeProvider clock)
        : base("plan", "Measures the devices and plans a pipeline for them.", clock)
    {
        Add(_model);
        Add(_stages);
        Add(_sampling);
        Add(_alpha);
        Add(_context);
        Add(_remote);
        Add(_out);
        Add(_measure);
        Add(_report);
        Add(_node);
    }

    protected override async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellation)
    {
        var assets = _model.Open(parsed, _stages, Clock);
        var layerCount = assets.Config.LayerCount;
        var stageCount = _stages.Count(parsed) ?? Math.Min(DefaultStages, layerCount);
        var settings = _stages.Settings(parsed, stageCount);
        var alpha = Alpha(parsed);
        var length = Length(parsed, assets);

        var candidates = Candidates(parsed, assets);
        var costs = new CostMeasurement(assets, settings, length, Clock);
        var byDevice = Enumerable
            .Range(0, Math.Min(stageCount, settings.Devices.Count))
            .Select(costs.MeasureDevice)
            .ToList();
        var heads = Heads(costs, candidates);
        var hopMs = await HopMsAsync(parsed, assets, cancellation);

        PlannedPipeline planned;
        try
        {
            planned = PipelinePlanner.Plan(
                layerCount,
                [.. Enumerable.Range(0, stageCount).Select(stage => byDevice[stage % byDevice.Count])],
                hopMs,
                heads,
                alpha
            );
        }
        catch (ArgumentException e)
        {
            throw new UserErrorException($"plan: {e.Message}", e);
        }

        var chosen = Chosen(candidates, planned, assets);
        var generation = _sampling.Settings(parsed, chosen) with { IgnoreEndTokens = true, StopStrings = [] };
        chosen = _model.Calibrate(parsed, chosen, settings, generation.Sampling, Console.Error.WriteLine);
        var file = PlanFile.For(
            chosen,
            [.. planned.Stages.Stages.Select(stage => stage.Count)],
            chosen.ExitHeadFolder,
            Prediction(planned)
        );
        var measured = parsed.GetValue(_measure)
            ? await MeasureAsync(parsed, chosen, planned, settings, generation, cancellation)
            : null;
        _report.Print(parsed, new PlanReport(chosen, planned, byDevice, length, measured).Create());
        if (parsed.GetValue(_out) is { } path)
        {
            file.Write(path);
        }

        return 0;
    }

    private AlphaCurve Alpha(ParseResult parsed)
    {
        var text = parsed.GetValue(_alpha) ?? Invariant($"{_model.WantedAlpha(parsed) ?? DefaultAlpha}");
        try
        {
            return AlphaCurve.Parse(text);
        }
        catch (FormatException e)
        {
            throw new UserErrorException($"--alpha: {e.Message}", e);
        }
    }

    private int Length(ParseResult parsed, ModelAssets assets)
    {
        var length = parsed.GetValue(_context) ?? 128;
        var most = assets.Config.MaxPositions - StageProbe.AddedTokens - 1;
        return length <= most
            ? length
            : throw new UserErrorException($"--context: expected 1 to {most} for this model, found {length}");
    }

    /// <summary>The model with each exit head that could be used.</summary>
    private List<ModelAssets> Candidates(ParseResult parsed, ModelAssets assets)
    {
        if (assets.Synthetic is not { } synthetic)
        {
            return _model.NamesExitHead(parsed) ? [assets] : [.. assets.WithEachExitHead()];
        }

        return _model.NamesExitLayer(parsed)
            ? [assets]
            :
            [
                .. Enumerable
                    .Range(1, Math.Max(1, assets.Config.LayerCount - 1))
                    .Select(layer => ModelAssets.Open(synthetic with { ExitLayer = layer })),
            ];
    }

    /// <summary>A synthetic model's head costs the same after every layer, so one is measured for all.</summary>
    private static List<ExitHeadCosts> Heads(CostMeasurement costs, List<ModelAssets> candidates)
    {
        var withHeads = candidates.Where(candidate => candidate.ExitHead is not null).ToList();
        if (withHeads is [{ Synthetic: not null } first, ..])
        {
            var head = costs.MeasureHead(first);
            return [.. withHeads.Select(candidate => head with { ExitLayer = candidate.ExitHead!.ExitLayer })];
        }

        return [.. withHeads.Select(costs.MeasureHead)];
    }

    private async Task<double> HopMsAsync(ParseResult parsed, ModelAssets assets, CancellationToken cancellation)
    {
        var node = _node.Settings(parsed);
        await using var link = parsed.GetValue(_remote)
            ? await LinkBench.StartRemoteAsync(node, Clock, cancellation)
            : LinkBench.StartLocal(node, Clock);
        var payloadBytes = assets.Config.HiddenSize * sizeof(float);
        return (await link.MeasureAsync(payloadBytes, LinkMessages, cancellation)).HopMs;
    }

    private static ModelAssets Chosen(List<ModelAssets> candidates, PlannedPipeline planned, ModelAssets assets) =>
        planned.ExitHead is { } head
            ? candidates.First(candidate => candidate.ExitHead?.ExitLayer == head.ExitLayer)
            : assets with
            {
                ExitHead = assets.Synthetic is null ? null : assets.ExitHead,
                ExitHeadFolder = null,
            };

    private static PlanPrediction Prediction(PlannedPipeline planned) =>
        new()
        {
            Alpha = planned.ExitHead is null ? 0 : planned.Times.Alpha,
            StageMs = planned.Times.StageMs,
            ExitHeadMs = planned.Times.ExitHeadMs,
            HopMs = planned.Times.HandOverMs,
            AutoregressiveTokensPerSecond = 1000 / planned.Times.AutoregressiveMs,
            PpsdTokensPerSecond = 1000 / planned.MsPerToken,
        };

    private async Task<DecodeBenchResult> MeasureAsync(
        ParseResult parsed,
        ModelAssets assets,
        PlannedPipeline planned,
        StageSettings settings,
        Generation.GenerationSettings generation,
        CancellationToken cancellation
    )
    {
        await using var pipeline = await InProcessPipeline.StartAsync(
            assets,
            planned.Stages,
            settings,
            _node.Settings(parsed),
            Clock
        );
        await using var stand = new BenchStand { Pipeline = pipeline };
        var prompts = Enumerable.Range(0, 4).Select(i => KeyedPrompt.Create(i, 32, assets.Config.VocabSize)).ToList();
        return await new DecodeBench(stand, assets, Clock).RunAsync(
            new DecodeBenchSettings(prompts, generation, Repetitions: 3),
            cancellation
        );
    }
}
