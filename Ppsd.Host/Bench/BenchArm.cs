namespace Ppsd.Host.Bench;

/// <summary>
/// The alternatives compared in the decode benchmark; all arms decode the same texts in each round, in turn.
/// </summary>
internal enum BenchArm
{
    /// <summary>The pipeline, autoregressive.</summary>
    Autoregressive,

    /// <summary>The pipeline, PPSD.</summary>
    Ppsd,

    /// <summary>One process that holds the whole model on a device like one stage's, while the pipeline rests.</summary>
    OneDevice,

    /// <summary>The same, while the devices of the other stages are kept as busy as PPSD keeps them.</summary>
    OneDeviceLoaded,
}
