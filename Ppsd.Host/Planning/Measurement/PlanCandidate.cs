using Ppsd.Actors.Messages;
using Ppsd.Host.Bench;
using Ppsd.Host.Bench.Decode;
using Ppsd.Host.Models;
using Ppsd.Host.Runtime;

namespace Ppsd.Host.Planning.Measurement;

/// <summary>A plan for some number of stages: what it should give, and what a short run by it gave.</summary>
/// <param name="Assets">The model with the exit head that the plan uses.</param>
/// <param name="Planned">The cut and the prediction.</param>
/// <param name="Settings">Devices and threads of its stages.</param>
/// <param name="Costs">Costs of each device that the prediction rests on.</param>
internal sealed record PlanCandidate(
    ModelAssets Assets,
    PlannedPipeline Planned,
    StageSettings Settings,
    IReadOnlyList<StageCosts> Costs
)
{
    /// <summary>Decoding by the plan; null until it was measured.</summary>
    public DecodeBenchResult? Measured { get; init; }

    /// <summary>What rows and chains cost each stage, and its device; null until it was measured.</summary>
    public IReadOnlyList<(RowCosts Costs, string Device)>? RowCosts { get; init; }

    /// <summary>Predicted tokens per second, of PPSD where there is an exit head.</summary>
    public double PredictedTokensPerSecond => 1000 / Planned.MsPerToken;

    /// <summary>Measured tokens per second with drafts; null without an exit head, and until it was measured.</summary>
    public double? DraftedTokensPerSecond =>
        Measured is { HasPpsd: true } run ? run.TokensPerSecond(BenchArm.Ppsd) : null;

    /// <summary>True where plain decoding on these stages was measured to be the faster, or is all there is.</summary>
    public bool IsPlain => !(DraftedTokensPerSecond >= Measured?.TokensPerSecond(BenchArm.Autoregressive));

    /// <summary>Measured tokens per second of the faster mode, with drafts or without; NaN until it was measured.</summary>
    public double MeasuredTokensPerSecond =>
        Measured?.TokensPerSecond(IsPlain ? BenchArm.Autoregressive : BenchArm.Ppsd) ?? double.NaN;

    /// <summary>The plan as it is written.</summary>
    public PlanFile ToFile() =>
        PlanFile.For(
            Assets,
            [.. Planned.Stages.Stages.Select(stage => stage.Count)],
            Assets.ExitHeadFolder,
            new PlanPrediction
            {
                Alpha = Planned.ExitHead is null ? 0 : Planned.Times.Alpha,
                StageMs = Planned.Times.StageMs,
                ExitHeadMs = Planned.Times.ExitHeadMs,
                HopMs = Planned.Times.HandOverMs,
                AutoregressiveTokensPerSecond = 1000 / Planned.Times.AutoregressiveMs,
                PpsdTokensPerSecond = PredictedTokensPerSecond,
                MeasuredTokensPerSecond = double.IsFinite(MeasuredTokensPerSecond) ? MeasuredTokensPerSecond : null,
                ChainDepth = Planned.Chain?.Depth,
                Width = Planned.Chain?.Width,
            },
            ToCosts()
        );

    /// <summary>
    /// Costs of the stages, each scaled so that a step of one candidate takes what it took in the run by the plan, where the
    /// other stages' weights and threads pass through the same caches; a hop is that run's too.
    /// </summary>
    private PlanCosts? ToCosts()
    {
        if (RowCosts is not { } costs || Measured is not { } run)
        {
            return null;
        }

        return new PlanCosts
        {
            Stages = [.. costs.Select((cost, stage) => Scaled(cost.Costs, run.StageMs(stage) / cost.Costs.StepMs))],
            Devices = [.. costs.Select(cost => cost.Device)],
            HopMs = run.HandOverMs,
            ParallelStages = Settings.StepsAtOnce(costs.Count),
        };
    }

    private static RowCosts Scaled(RowCosts costs, double factor) =>
        !double.IsFinite(factor) || factor <= 0
            ? costs
            : costs with
            {
                StepMs = costs.StepMs * factor,
                RowMs = costs.RowMs * factor,
                WideRowMs = costs.WideRowMs * factor,
                EnterMs = costs.EnterMs * factor,
                HeadMs = costs.HeadMs * factor,
                HeadRowMs = costs.HeadRowMs * factor,
                ChainMs = costs.ChainMs * factor,
                ChainRowMs = costs.ChainRowMs * factor,
            };
}
