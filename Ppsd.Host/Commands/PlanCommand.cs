using System.CommandLine;
using Ppsd.Host.Bench.Link;
using Ppsd.Host.Models;
using Ppsd.Host.Planning;
using Ppsd.Host.Planning.Measurement;
using Ppsd.Kernels.Checkpoints.Configuration;
using static Ppsd.Host.Bench.BenchReport;

namespace Ppsd.Host.Commands;

/// <summary>
/// <c>ppsd plan</c>: measures layers, heads and the link on the devices at hand, chooses for each number of stages the exit
/// layer and the cut of least expected time per token, and of these plans the one that is fastest in a short run.
/// </summary>
internal sealed class PlanCommand : PpsdCommand
{
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
        "Writes the plan, once a short run has shown it to be the fastest, for --plan of stage, generate and bench."
    );

    private readonly Option<bool> _measure = OptionFactory.Switch(
        "--measure",
        "Decodes texts of full length by the plan, and prints that measurement beside the prediction instead of the short run's."
    );

    public PlanCommand(TimeProvider clock)
        : base(
            "plan",
            "Measures the devices, --exit-head or else the model's exit heads of the default one's kind, and plans a pipeline.",
            clock
        )
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
        if (parsed.GetValue(_out) is { } file)
        {
            UserFiles.RequireWritable(_out.Name, file);
        }

        var assets = _model.Open(parsed, _stages, Clock);
        var alpha = Alpha(parsed);
        var length = Length(parsed, assets);
        var hopMs = await HopMsAsync(parsed, assets, cancellation);
        var candidates = new List<PlanCandidate>();
        foreach (var stageCount in StageCounts(parsed, assets))
        {
            cancellation.ThrowIfCancellationRequested();
            if (Propose(parsed, assets, stageCount, length, hopMs, alpha) is { } proposed)
            {
                candidates.Add(proposed);
            }
        }

        var generation = _sampling.Settings(parsed, assets) with { IgnoreEndTokens = true, StopStrings = [] };
        var verification = new PlanVerification(generation, _node.Settings(parsed), Clock);
        for (var i = 0; i < candidates.Count; i++)
        {
            var candidate = candidates[i] with
            {
                Assets = _model.Calibrate(
                    parsed,
                    candidates[i].Assets,
                    candidates[i].Settings,
                    generation.Sampling,
                    Console.Error.WriteLine
                ),
            };
            candidates[i] = candidate with
            {
                Measured = await verification.MeasureAsync(candidate, isShort: true, cancellation),
            };
        }

        var chosen = candidates.MaxBy(candidate => candidate.MeasuredTokensPerSecond)!;
        if (parsed.GetValue(_measure))
        {
            chosen = chosen with { Measured = await verification.MeasureAsync(chosen, isShort: false, cancellation) };
        }

        _report.Print(parsed, new PlanReport(chosen, candidates, length).Create());
        if (parsed.GetValue(_out) is { } path)
        {
            chosen = WithRowCosts(chosen, length);
            chosen.ToFile().Write(path);
        }

        return 0;
    }

    /// <summary>Numbers of stages to plan for: the one asked for, or on the CPU every one that has a core for each stage.</summary>
    private IEnumerable<int> StageCounts(ParseResult parsed, ModelAssets assets)
    {
        if (_stages.Count(parsed) is { } given)
        {
            return [given];
        }

        var most = _stages.MostStages(parsed, assets.Config.LayerCount);
        return _stages.IsOnCpu(parsed) ? Enumerable.Range(1, most) : [most];
    }

    /// <summary>The best cut into some number of stages; null where no exit head leaves room for that many.</summary>
    /// <exception cref="UserErrorException">There is none, and just that number was asked for.</exception>
    private PlanCandidate? Propose(
        ParseResult parsed,
        ModelAssets assets,
        int stageCount,
        int length,
        double hopMs,
        AlphaCurve alpha
    )
    {
        var settings = _stages.Settings(parsed, stageCount);
        var costs = new CostMeasurement(assets, settings, stageCount, length, Clock);
        var models = Candidates(parsed, assets);
        var hasChain = models.Exists(model => model.ExitHead?.Kind == ExitHeadKind.Chain);
        var byDevice = Enumerable
            .Range(0, Math.Min(stageCount, settings.Devices.Count))
            .Select(stage => costs.MeasureDevice(stage, hasChain))
            .ToList();
        try
        {
            var planned = PipelinePlanner.Plan(
                assets.Config.LayerCount,
                [.. Enumerable.Range(0, stageCount).Select(stage => byDevice[stage % byDevice.Count])],
                hopMs,
                stageCount == 1 && !hasChain ? [] : Heads(costs, models),
                alpha,
                settings.ParallelStages(stageCount)
            );
            return new PlanCandidate(Chosen(models, planned, assets), planned, settings, byDevice);
        }
        catch (ArgumentException) when (_stages.Count(parsed) is null && stageCount > 1)
        {
            return null;
        }
        catch (ArgumentException e)
        {
            throw new UserErrorException($"plan: {e.Message}", e);
        }
    }

    /// <summary>The plan with what rows and chains cost its stages, measured one stage after another.</summary>
    private PlanCandidate WithRowCosts(PlanCandidate plan, int length)
    {
        var stages = plan.Planned.Stages.Stages;
        var costs = new CostMeasurement(plan.Assets, plan.Settings, stages.Count, length, Clock);
        return plan with
        {
            RowCosts = [.. stages.Select((layers, stage) => costs.MeasureRows(plan.Assets, layers, stage))],
        };
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
}
