namespace Ppsd.Kernels.Sampling;

/// <summary>
/// <see cref="SamplingParameters"/> in the numbers that draws are made with, computed once: draws from the same logits
/// takes the same steps, and draws the same token.
/// </summary>
internal readonly record struct DrawSettings
{
    // Smaller numbers have no logarithm here, and no token that is likely enough to count lies below it.
    private const float LeastNormal = 1.17549435e-38f;

    private static readonly DrawSettings _greedy = new()
    {
        Scale = 1f,
        TopPShare = TokenWeight.Whole,
        LogMinP = float.NegativeInfinity,
    };

    /// <summary>Multiplies the logits; 1 for a greedy draw.</summary>
    public float Scale { get; private init; }

    /// <summary>True unless the draw is greedy.</summary>
    public bool HasNoise { get; private init; }

    /// <summary>Key of the noise.</summary>
    public ulong Seed { get; private init; }

    /// <summary>Tokens kept; 0 for all.</summary>
    public int TopK { get; private init; }

    /// <summary>Share of the kept tokens' weight that is kept; see <see cref="TokenWeight.Whole"/>.</summary>
    public long TopPShare { get; private init; }

    /// <summary>Logarithm of the least probability kept, relative to the most probable token's; minus infinity keeps all.</summary>
    public float LogMinP { get; private init; }

    /// <summary>True when some tokens may be excluded.</summary>
    public bool HasFilters => TopK > 0 || TopPShare < TokenWeight.Whole || LogMinP > float.NegativeInfinity;

    /// <summary>Works them out.</summary>
    public static DrawSettings Of(SamplingParameters parameters) =>
        parameters.IsGreedy
            ? _greedy
            : _greedy with
            {
                Scale = 1f / parameters.Temperature,
                HasNoise = true,
                Seed = parameters.Seed,
                TopK = parameters.TopK,
                TopPShare = parameters.TopP < 1f ? TokenWeight.Share(parameters.TopP) : TokenWeight.Whole,
                LogMinP = parameters.MinP >= LeastNormal ? VectorMath.Log(parameters.MinP) : float.NegativeInfinity,
            };
}
