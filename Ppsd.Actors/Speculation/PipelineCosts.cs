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

    /// <summary>
    /// Tokens per millisecond that sessions get together: a confirmed draft takes its share of a cycle, a rejection the way
    /// through the pipeline and back.
    /// </summary>
    /// <param name="acceptance">Share of drafts that are right, given that those before are.</param>
    /// <param name="sessions">Sessions that decode, at least 1.</param>
    /// <param name="microBatches">Micro-batches that fill the pipeline, at least 1.</param>
    /// <param name="depth">Tokens that the exit head drafts ahead; 0 for plain decoding in which it does not run at all.</param>
    /// <param name="width">Candidates of a session in a micro-batch.</param>
    public double TokensPerMs(double acceptance, int sessions, int microBatches, int depth, int width)
    {
        if (Stages.Count == 1 && depth > 0)
        {
            return OnOneStage(acceptance, sessions, Math.Min(depth, width - 1));
        }

        var together = (sessions + microBatches - 1) / microBatches;
        var groups = (sessions + together - 1) / together;
        var ahead = Math.Min(Math.Max(1, depth), Math.Max(1, width));
        var rows = together * ahead;
        var cycleMs = groups * CycleMs(rows, rows, depth);

        // More micro-batches than stages fill the pipeline only where links are slow: that is their round trip.
        var onLinksMs = microBatches > ParallelStages ? microBatches * CycleMs(1, 1, depth: 1) : 0;
        var throughMs = Math.Max(Math.Max(cycleMs, onLinksMs), ThroughMs(rows, rows, depth));
        if (depth == 0)
        {
            return sessions / throughMs;
        }

        // A rejection finds stage 1 at work, half of it done, and its chain drafts behind the target's token before that enters.
        var behindMs = HeadStage == 0 && width > 1 ? depth * Stages[0].ChainMs : 0;
        var rejectionMs = throughMs + cycleMs / groups / 2 + behindMs;
        return sessions / ((1 - acceptance) * rejectionMs + acceptance / ahead * cycleMs);
    }

    /// <summary>
    /// The same on one stage, which drafts behind each session's verified token before its step: so a step brings that token
    /// and the drafts behind it that are right.
    /// </summary>
    private double OnOneStage(double acceptance, int sessions, int depth)
    {
        var (tokens, right) = (1.0, 1.0);
        for (var step = 0; step < depth; step++)
        {
            right *= acceptance;
            tokens += right;
        }

        var stage = Stages[0];
        var headMs = HeadStage == 0 ? stage.EnterMs + sessions * depth * stage.ChainMs : 0;
        return sessions * tokens / (stage.LayersMs(sessions * (1 + depth)) + headMs);
    }

    /// <summary>
    /// Milliseconds for which tokens that have been decoded without the exit head keep the pipeline when they enter once more, for
    /// the head's caches.
    /// </summary>
    /// <param name="tokens">How many, at least 1.</param>
    /// <param name="chunk">Most of them in a step.</param>
    public double CatchUpMs(int tokens, int chunk)
    {
        var full = tokens / chunk;
        var rest = tokens % chunk;
        return full * CycleMs(chunk, draftRows: 0, depth: 1) + (rest > 0 ? CycleMs(rest, draftRows: 0, depth: 1) : 0);
    }

    /// <summary>Milliseconds of a stage's step, its exit head included.</summary>
    public double StageMs(int stage, int rows, int draftRows, int depth) =>
        Stages[stage].LayersMs(rows)
        + (stage == HeadStage && depth > 0 ? Stages[stage].ExitHeadMs(draftRows, depth) : 0);
}
