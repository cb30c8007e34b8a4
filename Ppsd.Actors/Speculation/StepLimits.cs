namespace Ppsd.Actors.Speculation;

/// <summary>What a pipeline takes in one cycle.</summary>
/// <param name="MaxRows">Most candidates of a micro-batch, of all sessions together.</param>
/// <param name="ParallelStages">Stages that can work at the same time.</param>
/// <param name="Window">Most positions drafted beyond the last verified tokens, of all sessions together.</param>
internal sealed record StepLimits(int MaxRows, int ParallelStages, int Window);
