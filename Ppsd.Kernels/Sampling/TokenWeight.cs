namespace Ppsd.Kernels.Sampling;

/// <summary>
/// Shares of a distribution as whole numbers: a token weighs e^(score - largest score) in units of 2^-40, so that sums are
/// the same in any order, and host and kernels keep the same tokens.
/// </summary>
internal static class TokenWeight
{
    /// <summary>A share of 1, where a share of a total is asked for.</summary>
    public const long Whole = 1L << ShareBits;

    private const int ShareBits = 30;
    private const float LargestWeight = 1L << 40;

    /// <summary>The weight of a token.</summary>
    /// <param name="power">e^(score - largest score), at most 1.</param>
    public static long Of(float power) => (long)(power * LargestWeight);

    /// <summary>A share between 0 and 1 in units of <see cref="Whole"/>.</summary>
    public static long Share(float share) => (long)Math.Round(share * (double)Whole);

    /// <summary>The weight that reaches a share of a total; never nothing.</summary>
    public static long Needed(long total, long share)
    {
        // In two parts: their product has more than 64 bits.
        var needed = (total >> ShareBits) * share + (((total & (Whole - 1)) * share) >> ShareBits);
        return needed > 1 ? needed : 1;
    }
}
