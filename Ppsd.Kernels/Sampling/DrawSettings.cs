namespace Ppsd.Kernels.Sampling;

/// <summary>
/// <see cref="SamplingParameters"/> in the numbers that draws are made with, worked out once: whoever draws from the same
/// logits takes the same steps, and draws the same token.
/// </summary>
internal readonly record struct DrawSettings
{
    /// <summary>Multiplies the logits; 1 for a greedy draw.</summary>
    public float Scale { get; private init; }

    /// <summary>True unless the draw is greedy.</summary>
    public bool HasNoise { get; private init; }

    /// <summary>Key of the noise.</summary>
    public ulong Seed { get; private init; }

    /// <summary>True when some tokens are excluded.</summary>
    public bool HasFilters { get; private init; }

    /// <summary>Works them out.</summary>
    public static DrawSettings Of(SamplingParameters parameters) =>
        parameters.Temperature == 0f
            ? new DrawSettings { Scale = 1f }
            : new DrawSettings
            {
                Scale = 1f / parameters.Temperature,
                HasNoise = true,
                Seed = parameters.Seed,
                HasFilters = parameters.TopK > 0 || parameters.TopP < 1f || parameters.MinP > 0f,
            };
}
