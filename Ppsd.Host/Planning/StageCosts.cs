namespace Ppsd.Host.Planning;

/// <summary>What the device of a stage takes for one candidate.</summary>
/// <param name="LayerMs">Milliseconds of a layer.</param>
/// <param name="StepMs">Milliseconds of a step whatever its layers: embedding, cache, hand-over to the host.</param>
/// <param name="TargetHeadMs">Milliseconds of the target head, where the stage is the last.</param>
public sealed record StageCosts(double LayerMs, double StepMs, double TargetHeadMs);
