using Ppsd.Actors.Messages;

namespace Ppsd.Actors.Speculation;

/// <summary>
/// What micro-batches cost a pipeline by the measured costs of its stages, and how deep drafting pays by them. Pure;
/// immutable.
/// </summary>
/// <param name="Stages">Costs of each stage, in order.</param>
/// <param name="HeadStage">Stage of the exit head, from 0; -1 without one.</param>
/// <param name="ParallelStages">Stages that can work at the same time, at least 1.</param>
/// <param name="HopMs">Milliseconds of a message's way from a stage to the next, or of a verdict's way back.</param>
internal sealed record PipelineCosts(
    IReadOnlyList<RowCosts> Stages,
    int HeadStage,
    int ParallelStages,
    double HopMs = 0
)
{
    /// <summary>False where nothing was measured.</summary>
    public bool IsMeasured { get; } = Stages.All(stage => stage.StepMs > 0);

    /// <summary>Milliseconds between micro-batches of a full pipeline: its slowest stage, or its share of all work.</summary>
    /// <param name="rows">Candidates of each.</param>
    /// <param name="draftRows">Candidates the exit head drafts from.</param>
    /// <param name="depth">Tokens ahead of each; 0 where the exit head does not run.</param>
    public double CycleMs(int rows, int draftRows, int depth)
    {
        var (slowest, work) = (0.0, 0.0);
        for (var stage = 0; stage < Stages.Count; stage++)
        {
            var ms = StageMs(stage, rows, draftRows, depth);
            slowest = Math.Max(slowest, ms);
            work += ms;
        }

        return Math.Max(slowest, work / Math.Min(ParallelStages, Stages.Count));
    }

    /// <summary>
    /// Milliseconds from a micro-batch's entry to its verdict. The exit head runs beside the next stage; at the last it comes
    /// before the verdict.
    /// </summary>
    public double ThroughMs(int rows, int draftRows, int depth)
    {
        var hops = Stages.Count > 1 ? Stages.Count * HopMs : 0;
        return hops
            + Enumerable
                .Range(0, Stages.Count)
                .Sum(stage =>
                    stage == HeadStage && stage == Stages.Count - 1
                        ? StageMs(stage, rows, draftRows, depth)
                        : Stages[stage].LayersMs(rows)
                );
    }

    /// <summary>Milliseconds of a stage's step, its exit head included.</summary>
    public double StageMs(int stage, int rows, int draftRows, int depth) =>
        Stages[stage].LayersMs(rows)
        + (stage == HeadStage && depth > 0 ? Stages[stage].ExitHeadMs(draftRows, depth) : 0);
}
