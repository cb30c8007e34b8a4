namespace Ppsd.Actors.Speculation;

/// <summary>Limits of one cycle of a pipeline.</summary>
/// <param name="MaxRows">Most candidates of a micro-batch, of all sessions together.</param>
/// <param name="ParallelStages">Stages that can work at the same time.</param>
/// <param name="Window">Most positions drafted beyond the last verified tokens, of all sessions together.</param>
/// <param name="RowCost">What a further row adds to a step of one, as a share of that step; 0 for rows that are free.</param>
internal sealed record StepLimits(int MaxRows, int ParallelStages, int Window, double RowCost = 0);
