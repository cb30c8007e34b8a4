using Ppsd.Actors.Messages;
using Ppsd.Actors.Speculation.Blocks;
using Ppsd.Actors.Stages;

namespace Ppsd.Host.Rivals;

/// <summary>What a block costs on stages that measured themselves when they were loaded. Pure.</summary>
internal static class RivalCosts
{
    /// <summary>Costs of drafting behind a stage, whose step includes its head, and verifying with all.</summary>
    public static BlockCosts Of(IReadOnlyList<IStageRuntime> stages, int exitStage)
    {
        var costs = stages.Select(stage => stage.Description.RowCosts).ToList();
        if (costs.Any(cost => cost.StepMs <= 0))
        {
            // Nothing was measured: weights read stand for time.
            var read = stages.Select(stage => stage.Description.WeightBytes).ToList();
            return Of([.. read.Select(bytes => new RowCosts(bytes, 0))], exitStage);
        }

        return Of(costs, exitStage);
    }

    private static BlockCosts Of(IReadOnlyList<RowCosts> costs, int exitStage)
    {
        var pass = costs.Sum(cost => cost.StepMs);
        return new BlockCosts(
            costs.Take(exitStage + 1).Sum(cost => cost.StepMs) / pass,
            costs.Skip(exitStage + 1).Sum(cost => cost.RowMs) / pass
        );
    }
}
