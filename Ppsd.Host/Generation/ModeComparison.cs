namespace Ppsd.Host.Generation;

/// <summary>Tokens per second of the same text decoded in several ways, one right after the other.</summary>
/// <param name="StageCount">Stages of the pipeline.</param>
/// <param name="Autoregressive">Without drafts on these stages.</param>
/// <param name="Ppsd">With drafts on these stages.</param>
internal sealed record ModeComparison(int StageCount, double Autoregressive, double Ppsd)
{
    /// <summary>Without drafts on one stage with all of the machine's threads; null where it was not measured.</summary>
    public double? OneStage { get; init; }

    /// <summary>Threads of that stage.</summary>
    public int OneStageThreads { get; init; }

    /// <summary>How many times faster drafts made it on the same stages.</summary>
    public double SpeedUp => Autoregressive <= 0 ? 0 : Ppsd / Autoregressive;
}
