namespace Ppsd.Actors.Ids;

/// <summary>One formation of the pipeline. A pipeline that lost a stage and was formed again has a later epoch.</summary>
/// <param name="Value">Counts up.</param>
public readonly record struct PipelineEpoch(int Value);
