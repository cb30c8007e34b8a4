namespace Ppsd.Kernels.Checkpoints.Configuration;

/// <summary>The rotary embedding of a model.</summary>
/// <param name="Kind">How the frequencies are derived.</param>
/// <param name="Theta">Base of the frequencies.</param>
/// <param name="Factor">How much longer the context is than the original one; 1 for <see cref="RopeKind.Default"/>.</param>
/// <param name="LowFrequencyFactor">
/// <see cref="RopeKind.Llama3"/>: wavelengths above <c>OriginalMaxPositions / LowFrequencyFactor</c> are scaled in
/// full.
/// </param>
/// <param name="HighFrequencyFactor">
/// <see cref="RopeKind.Llama3"/>: wavelengths below <c>OriginalMaxPositions / HighFrequencyFactor</c> are not scaled.
/// </param>
/// <param name="OriginalMaxPositions">
/// The context, in tokens, the model was first trained with; 0 for <see cref="RopeKind.Default"/> and
/// <see cref="RopeKind.Linear"/>.
/// </param>
public sealed record RopeParameters(
    RopeKind Kind,
    double Theta,
    double Factor = 1,
    double LowFrequencyFactor = 1,
    double HighFrequencyFactor = 1,
    int OriginalMaxPositions = 0
)
{
    /// <summary><see cref="RopeKind.Yarn"/>: frequencies that turn more often within the original context are kept.</summary>
    public double FastTurns { get; init; } = 32;

    /// <summary><see cref="RopeKind.Yarn"/>: frequencies that turn less often within it are divided in full.</summary>
    public double SlowTurns { get; init; } = 1;

    /// <summary><see cref="RopeKind.Yarn"/>: whether the blend's ends are rounded outwards to whole pairs.</summary>
    public bool RoundsBlend { get; init; } = true;

    /// <summary>Factor of cosines and sines.</summary>
    public double AttentionFactor { get; init; } = 1;

    /// <summary><see cref="RopeKind.LongRope"/>: divisors of the frequencies within the original context.</summary>
    public IReadOnlyList<double> ShortFactors { get; init; } = [];

    /// <summary><see cref="RopeKind.LongRope"/>: divisors of the frequencies beyond it.</summary>
    public IReadOnlyList<double> LongFactors { get; init; } = [];

    /// <summary>
    /// Elements of a head that are rotated, the first ones, even; null for all. The others keep their values, and the
    /// frequencies are those of a head of this size.
    /// </summary>
    public int? RotatedSize { get; init; }
}
