using Ppsd.Actors.Messages;
using Ppsd.Actors.Planning;
using Ppsd.Actors.Stages;
using Ppsd.Host.Models;
using Ppsd.Host.Runtime;
using Ppsd.Kernels.Checkpoints.Configuration;
using Ppsd.Kernels.Model;

namespace Ppsd.Host.Planning.Measurement;

/// <summary>Measures what layers and heads of a model cost on devices: what a plan rests on.</summary>
/// <param name="stageCount">Stages of the pipeline that is planned.</param>
/// <param name="length">Tokens of text behind which steps are timed.</param>
internal sealed class CostMeasurement(
    ModelAssets assets,
    StageSettings settings,
    int stageCount,
    int length,
    TimeProvider clock
)
{
    /// <summary>Enough layers for their time to stand out from a step's own.</summary>
    private const int FewLayers = 5;

    /// <summary>Steps of each kind by which rows and chains are timed.</summary>
    private const int RowRepetitions = 24;

    /// <summary>Weights of less than this may stay in a processor's caches, and are then read faster than a stage's would be.</summary>
    private const long CacheBytes = 128L << 20;

    private int LayerCount => assets.Config.LayerCount;

    /// <summary>Costs of a device, given by the place of a stage that takes it.</summary>
    /// <param name="stage">The stage.</param>
    /// <param name="withRows">True to measure what further candidates add: chains bring several.</param>
    public StageCosts MeasureDevice(int stage, bool withRows)
    {
        var withoutHead = assets with { ExitHead = null, ExitHeadFolder = null };
        var many = LayersToMeasure(stage);
        var one = Measure(withoutHead, new LayerRange(0, 1), stage);
        var several = many > 1 ? Measure(withoutHead, new LayerRange(0, many), stage) : one;
        var last = Measure(withoutHead, new LayerRange(LayerCount - 1, 1), stage);
        var layerMs = many > 1 ? Math.Max(0, (several.LayersMs - one.LayersMs) / (many - 1)) : one.LayersMs;
        var costs = new StageCosts(layerMs, Math.Max(0, one.LayersMs - layerMs), last.HeadMs);
        if (!withRows)
        {
            return costs;
        }

        var oneRow = RowMs(new LayerRange(0, 1));
        var layerRow = many > 1 ? Math.Max(0, (RowMs(new LayerRange(0, many)) - oneRow) / (many - 1)) : oneRow;
        return costs with
        {
            LayerRowMs = layerRow,
            StepRowMs = Math.Max(0, oneRow - layerRow),
            TargetHeadRowMs = Math.Max(0, RowMs(new LayerRange(LayerCount - 1, 1)) - oneRow),
        };

        double RowMs(LayerRange layers) => MeasureRows(withoutHead, layers, stage).Costs.RowMs;
    }

    /// <summary>A few layers, or on the CPU as many as a stage has where a few of them would fit in its caches.</summary>
    private int LayersToMeasure(int stage)
    {
        var few = Math.Min(FewLayers, LayerCount);
        var isOnCpu = settings.Devices[stage % settings.Devices.Count] == "cpu";
        var options = new StageRuntimeFactory(assets, settings).OptionsFor(new LayerRange(0, few));
        return isOnCpu && StageFootprint.Of(options).WeightBytes < CacheBytes
            ? Math.Max(few, (LayerCount + stageCount - 1) / stageCount)
            : few;
    }

    /// <summary>Milliseconds of an exit head on stage 1's device.</summary>
    /// <param name="withHead">The model with that head.</param>
    public ExitHeadCosts MeasureHead(ModelAssets withHead)
    {
        var exitLayer = withHead.ExitHead!.ExitLayer;
        var layers = new LayerRange(exitLayer - 1, 1);
        if (withHead.ExitHead.Kind == ExitHeadKind.Chain)
        {
            var (rows, depth) = (MeasureRows(withHead, layers, stage: 0).Costs, StageDescription.MostStandardDepth);
            return new ExitHeadCosts(exitLayer, rows.HeadMs) { Depth = depth, Rows = rows };
        }

        return new ExitHeadCosts(exitLayer, Measure(withHead, layers, stage: 0).HeadMs);
    }

    /// <summary>What rows and drafts cost a stage of a plan, and the device that it was measured on, in words.</summary>
    public (RowCosts Costs, string Device) MeasureRows(ModelAssets model, LayerRange layers, int stage)
    {
        // Room for the widest steps, twice: those of before are freed only when the next one begins.
        using var runtime = Load(model, layers, stage, length + 3 * settings.StepRowsOn(settings.DeviceOf(stage)));
        var probe = new RowCostProbe(runtime, clock, length, RowRepetitions, enough: RowRepetitions);
        return (probe.Measure(), runtime.Description.Device);
    }

    /// <summary>Times a stage of some layers.</summary>
    public StageTiming Measure(ModelAssets model, LayerRange layers, int stage)
    {
        using var runtime = Load(model, layers, stage, length + StageProbe.AddedTokens);
        return new StageProbe(runtime, model.Config.HiddenSize, clock).Measure(length);
    }

    private IStageRuntime Load(ModelAssets model, LayerRange layers, int stage, int tokens)
    {
        var options = new StageRuntimeFactory(model, settings).OptionsFor(layers);
        var room = StageFootprint.Of(options).KvValuesPerToken * sizeof(float);
        var kvBytes = room * (tokens + 2 * StageModel.KvPageSize);
        return new StageRuntimeFactory(model, settings with { KvCacheBytes = kvBytes }).Load(layers, stage);
    }
}
