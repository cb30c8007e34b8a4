using Ppsd.Actors.Planning;
using Ppsd.Actors.Speculation;

namespace Ppsd.Host.Planning;

/// <summary>
/// Chooses the exit layer and the layers of each stage so that the expected time per token is least. Stage 1 holds the
/// exit layer, and rather ends there; since it also runs the exit head it gets fewer layers than the others, and so does the
/// last, which runs the target head. Pure.
/// </summary>
/// <remarks>
/// A confirmed draft costs a cycle, which is the slowest stage's time; a rejected one the whole way through all stages
/// and back (see <see cref="SpeedUpModel.MsPerTokenOn"/>). For each exit layer and each cycle that could be the
/// answer, layers go to the fastest device that still keeps the cycle.
/// <para>
/// A chain brings several tokens with a micro-batch, whose rows all stages pay for and whose steps stage 1 does
/// (see <see cref="PipelineCosts.TokensPerMs"/>). So the cut is looked for at every depth, and the best depth at every cut.
/// </para>
/// </remarks>
public static class PipelinePlanner
{
    /// <summary>Plans a pipeline.</summary>
    /// <param name="layerCount">The model's layers.</param>
    /// <param name="stages">Costs of each stage's device, in order.</param>
    /// <param name="hopMs">Milliseconds of a hop between stages.</param>
    /// <param name="heads">Exit heads to choose from; none for autoregressive decoding.</param>
    /// <param name="alpha">Acceptance rate of a head after a layer.</param>
    /// <param name="parallelStages">Stages that can work at the same time; fewer than all where they share cores.</param>
    /// <exception cref="ArgumentException">One line: there are more stages than layers, or no head leaves room for them.</exception>
    public static PlannedPipeline Plan(
        int layerCount,
        IReadOnlyList<StageCosts> stages,
        double hopMs,
        IReadOnlyList<ExitHeadCosts> heads,
        AlphaCurve alpha,
        int parallelStages = int.MaxValue
    )
    {
        ArgumentNullException.ThrowIfNull(stages);
        ArgumentNullException.ThrowIfNull(heads);
        ArgumentNullException.ThrowIfNull(alpha);
        if (stages.Count < 1 || stages.Count > layerCount)
        {
            throw new ArgumentException(
                $"stages: expected 1 to {layerCount} (the model's layers), found {stages.Count}"
            );
        }

        // With one stage there is nothing that the next token's draft could overtake: only a chain goes further.
        List<ExitHeadCosts> usable = [.. heads.Where(head => stages.Count > 1 || head.Depth > 1)];
        var plans = usable.SelectMany(head =>
            Enumerable
                .Range(1, head.Depth)
                .SelectMany(depth => Cuts(layerCount, stages, head, depth))
                .Select(counts => Describe(counts, head, alpha.At(head.ExitLayer)))
        );
        if (usable.Count == 0 || stages.Count == 1)
        {
            plans = plans.Concat(Cuts(layerCount, stages, null, depth: 1).Select(counts => Describe(counts, null, 0)));
        }

        // Of cuts that are worth the same the most even one, which forgives most where a time was measured wrongly; of those
        // the one whose stage 1 ends at its exit layer.
        return plans
                .OrderBy(plan => Math.Round(plan.MsPerToken, 9))
                .ThenBy(plan => Math.Round(Unevenness(plan), 9))
                .ThenBy(plan => plan.Stages.Stages[0].Count - (plan.ExitHead?.ExitLayer ?? 0))
                .FirstOrDefault()
            ?? throw new ArgumentException(
                $"exit layer: expected one that leaves a layer for each of {stages.Count - 1} later stages of a model of {layerCount}, found {string.Join(", ", heads.Select(head => head.ExitLayer))}"
            );

        PlannedPipeline Describe(int[] counts, ExitHeadCosts? head, double rate) =>
            new(
                StagePlan.FromCounts(counts, layerCount),
                head,
                new SpeedUpModel
                {
                    Alpha = rate,
                    StageMs = [.. counts.Select((count, stage) => StageMs(stages, stage, count))],
                    HeadStage = 0,
                    ExitHeadMs = head?.HeadMs ?? 0,
                    HandOverMs = hopMs,
                },
                Math.Min(parallelStages, stages.Count)
            )
            {
                Chain = head is { Depth: > 1 } chain
                    ? Drafts(stages, counts, chain, rate, hopMs, parallelStages)
                    : null,
            };
    }

    /// <summary>The depth at which a chain brings most tokens in a time.</summary>
    private static PlannedDrafts Drafts(
        IReadOnlyList<StageCosts> stages,
        int[] counts,
        ExitHeadCosts head,
        double alpha,
        double hopMs,
        int parallelStages
    )
    {
        var rows = counts.Select((count, stage) => stages[stage].Of(count, stage == stages.Count - 1)).ToList();
        rows[0] = head.On(rows[0]);
        var parallel = Math.Min(parallelStages, stages.Count);
        var costs = new PipelineCosts(rows, HeadStage: 0, parallel, hopMs);

        // One stage has its verified token beside the drafts.
        var beside = stages.Count == 1 ? 1 : 0;
        return Enumerable
            .Range(1, head.Depth)
            .Select(depth => new PlannedDrafts(
                depth,
                depth + beside,
                1 / costs.TokensPerMs(alpha, sessions: 1, parallel, depth, depth + beside)
            ))
            .MinBy(drafts => drafts.MsPerToken)!;
    }

    private static double Unevenness(PlannedPipeline plan) =>
        plan.Times.StageMs.Select((ms, stage) => ms + (stage == 0 ? plan.Times.ExitHeadMs : 0)).Sum(ms => ms * ms);

    /// <summary>
    /// Milliseconds of a stage, target head included; the exit head where it is given.
    /// </summary>
    /// <param name="depth">Tokens that it drafts ahead, as many as there are candidates.</param>
    private static double StageMs(
        IReadOnlyList<StageCosts> stages,
        int stage,
        int layers,
        ExitHeadCosts? head = null,
        int depth = 1
    )
    {
        var costs = stages[stage].Of(layers, stage == stages.Count - 1);
        return costs.LayersMs(depth) + (stage == 0 ? head?.On(costs).ExitHeadMs(depth, depth) ?? 0 : 0);
    }

    /// <summary>The best cut under every cycle that could be the answer.</summary>
    private static IEnumerable<int[]> Cuts(
        int layerCount,
        IReadOnlyList<StageCosts> stages,
        ExitHeadCosts? head,
        int depth
    )
    {
        var cycles = Enumerable
            .Range(0, stages.Count)
            .SelectMany(stage =>
                Enumerable.Range(1, layerCount).Select(count => StageMs(stages, stage, count, head, depth))
            )
            .Distinct();
        foreach (var cycleMs in cycles)
        {
            // Cut at the exit layer, and with what else stage 1 has room for.
            foreach (var firstFree in head is null ? (int[])[0] : [1, 0])
            {
                if (CutWithin(layerCount, stages, head, depth, firstFree, cycleMs) is { } counts)
                {
                    yield return counts;
                }
            }
        }
    }

    /// <summary>
    /// Layers so that no stage takes longer than a cycle, but for stage 1 where its exit layer is too late for that; null when
    /// they do not fit.
    /// </summary>
    private static int[]? CutWithin(
        int layerCount,
        IReadOnlyList<StageCosts> stages,
        ExitHeadCosts? head,
        int depth,
        int firstFree,
        double cycleMs
    )
    {
        var counts = new int[stages.Count];
        Array.Fill(counts, 1);
        counts[0] = head?.ExitLayer ?? 1;
        var left = layerCount - counts.Sum();
        for (; left > 0; left--)
        {
            var chosen = -1;
            for (var stage = firstFree; stage < counts.Length; stage++)
            {
                if (
                    StageMs(stages, stage, counts[stage] + 1, head, depth) <= cycleMs
                    && (chosen < 0 || IsBetter(stage, counts[stage] + 1, chosen, counts[chosen] + 1))
                )
                {
                    chosen = stage;
                }
            }

            if (chosen < 0)
            {
                return null;
            }

            counts[chosen]++;
        }

        return left < 0 ? null : counts;

        // The faster device; among equals the one that would be done first, so that the rest stays even.
        bool IsBetter(int stage, int count, int other, int otherCount) =>
            stages[stage].LayerMs < stages[other].LayerMs
            || (
                stages[stage].LayerMs == stages[other].LayerMs
                && StageMs(stages, stage, count, head, depth) < StageMs(stages, other, otherCount, head, depth)
            );
    }
}
