namespace Ppsd.Kernels.Weights;

/// <summary>
/// Weights made by a keyed generator instead of read from disk. Every stage of a pipeline that is given the same values
/// has its part of the same model, on any device.
/// </summary>
public sealed record SyntheticWeights
{
    /// <summary>Another seed is another model.</summary>
    public uint Seed { get; init; } = 1;

    /// <summary>
    /// The first layer, from 0, whose additions to the residual stream are scaled; set to the exit layer to bring the
    /// exit head and the target head closer together.
    /// </summary>
    public int FirstScaledLayer { get; init; } = int.MaxValue;

    /// <summary>
    /// Factor of what the layers from <see cref="FirstScaledLayer"/> on, and those of an exit head, add to the residual
    /// stream. At 0 they add nothing, and the exit head drafts exactly the target's tokens, one ahead.
    /// </summary>
    public float OutputScale { get; init; } = 1f;
}
