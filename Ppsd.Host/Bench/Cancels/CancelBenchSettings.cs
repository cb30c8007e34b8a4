namespace Ppsd.Host.Bench.Cancels;

/// <summary>Settings of the cancel benchmark.</summary>
/// <param name="QueueLength">Micro-batches queued before the cancel.</param>
/// <param name="Layers">Layers of a micro-batch; the stage checks for a cancel between layers.</param>
/// <param name="LayerMs">Milliseconds of a layer.</param>
/// <param name="Trials">Cancels to measure.</param>
internal sealed record CancelBenchSettings(int QueueLength, int Layers, double LayerMs, int Trials);

/// <summary>One cancel.</summary>
/// <param name="EffectMs">Milliseconds until the stage stopped working for the dead run.</param>
/// <param name="RestartMs">Milliseconds until it began the new run's first micro-batch.</param>
/// <param name="StaleSteps">Dead micro-batches begun after the one that was running.</param>
internal sealed record CancelTrial(double EffectMs, double RestartMs, int StaleSteps);

/// <summary>All cancels.</summary>
internal sealed record CancelBenchResult(CancelBenchSettings Settings, IReadOnlyList<CancelTrial> Trials)
{
    /// <summary>Quantile of the time to effect, in milliseconds.</summary>
    public double EffectMs(double share) => Statistics.Quantile(Trials.Select(trial => trial.EffectMs), share);

    /// <summary>Quantile of the time to the new run's first work, in milliseconds.</summary>
    public double RestartMs(double share) => Statistics.Quantile(Trials.Select(trial => trial.RestartMs), share);

    /// <summary>Dead micro-batches begun after a cancel, over all trials.</summary>
    public int StaleSteps => Trials.Sum(trial => trial.StaleSteps);

    /// <summary>Milliseconds to work through the queue: the delay of a cancel that waited in line.</summary>
    public double QueueMs => Settings.QueueLength * Settings.Layers * Settings.LayerMs;
}
