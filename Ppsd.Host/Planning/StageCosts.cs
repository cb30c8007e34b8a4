using Ppsd.Actors.Messages;

namespace Ppsd.Host.Planning;

/// <summary>What the device of a stage takes for one candidate, and for each further one.</summary>
/// <param name="LayerMs">Milliseconds of a layer.</param>
/// <param name="StepMs">Milliseconds of a step whatever its layers: embedding, cache, hand-over to the host.</param>
/// <param name="TargetHeadMs">Milliseconds of the target head, where the stage is the last.</param>
public sealed record StageCosts(double LayerMs, double StepMs, double TargetHeadMs)
{
    /// <summary>What a further candidate adds to a layer; 0 where rows were not measured, and count as free.</summary>
    public double LayerRowMs { get; init; }

    /// <summary>What it adds to a step whatever its layers.</summary>
    public double StepRowMs { get; init; }

    /// <summary>What it adds to the target head.</summary>
    public double TargetHeadRowMs { get; init; }

    /// <summary>Costs of a stage on the device, its exit head aside.</summary>
    /// <param name="layers">Its layers.</param>
    /// <param name="isLast">True where it runs the target head.</param>
    public RowCosts Of(int layers, bool isLast) =>
        new(
            StepMs + layers * LayerMs + (isLast ? TargetHeadMs : 0),
            StepRowMs + layers * LayerRowMs + (isLast ? TargetHeadRowMs : 0)
        );
}
