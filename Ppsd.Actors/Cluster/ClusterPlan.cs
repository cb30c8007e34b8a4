using Ppsd.Actors.Planning;

namespace Ppsd.Actors.Cluster;

/// <summary>
/// The pipeline that a cluster forms: a number of stages, or the layers of each. HOCON section <c>ppsd.cluster</c>.
/// </summary>
/// <param name="StageCount">Stages, when <paramref name="StageLayers"/> is empty.</param>
/// <param name="StageLayers">Layers of each stage, or empty for an even cut.</param>
public sealed record ClusterPlan(int StageCount, IReadOnlyList<int> StageLayers)
{
    /// <summary>These stages and no others.</summary>
    public static ClusterPlan Of(StagePlan plan)
    {
        ArgumentNullException.ThrowIfNull(plan);
        return new(plan.Stages.Count, [.. plan.Stages.Select(stage => stage.Count)]);
    }

    /// <summary>Stages needed.</summary>
    public int StagesNeeded => StageLayers.Count > 0 ? StageLayers.Count : StageCount;

    /// <summary>The plan for a model of <paramref name="layerCount"/> layers.</summary>
    /// <exception cref="ArgumentException">One line: it does not fit.</exception>
    public StagePlan For(int layerCount) =>
        StageLayers.Count > 0 ? StagePlan.FromCounts(StageLayers, layerCount) : StagePlan.Even(layerCount, StageCount);
}
