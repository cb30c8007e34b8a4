namespace Ppsd.Kernels.Sampling;

/// <summary>
/// The natural logarithm in single precision as the Cephes library computes it (Moshier, <c>logf</c>): x = 2^e * m with
/// m in [sqrt(1/2), sqrt(2)), and a polynomial in f = m - 1. Host and kernels take the same steps in the same order, each
/// rounded once, so that all of them know the same bits.
/// </summary>
internal static class LogSeries
{
    /// <summary>Bits of sqrt(1/2): what lies above it in an exponent's range belongs to the next power of two.</summary>
    public const int RootHalfBits = 0x3F3504F3;

    /// <summary>Bits of a float's fraction.</summary>
    public const int FractionBits = 23;

    public const float C8 = 7.0376836292e-2f;
    public const float C7 = -1.1514610310e-1f;
    public const float C6 = 1.1676998740e-1f;
    public const float C5 = -1.2420140846e-1f;
    public const float C4 = 1.4249322787e-1f;
    public const float C3 = -1.6668057665e-1f;
    public const float C2 = 2.0000714765e-1f;
    public const float C1 = -2.4999993993e-1f;
    public const float C0 = 3.3333331174e-1f;

    /// <summary>ln 2, its upper bits: products with an exponent are exact.</summary>
    public const float UpperLn2 = 0.693359375f;

    /// <summary>ln 2 less <see cref="UpperLn2"/>.</summary>
    public const float LowerLn2 = -2.12194440e-4f;
}
