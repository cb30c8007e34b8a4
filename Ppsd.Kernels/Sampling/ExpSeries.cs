namespace Ppsd.Kernels.Sampling;

/// <summary>
/// e^x in single precision as the Cephes library computes it (Moshier, <c>expf</c>): x = n ln 2 + r, a polynomial in r,
/// then 2^n. Host and kernels take the same steps in the same order; see <see cref="LogSeries"/>.
/// </summary>
internal static class ExpSeries
{
    /// <summary>At and below it the result is 0: beyond, 2^n would be no normal number.</summary>
    public const float Floor = -87f;

    public const float Log2OfE = 1.44269504088896341f;

    /// <summary>1.5 * 2^23: added to a small number it leaves that number's nearest integer in the lowest bits.</summary>
    public const float Rounder = 12582912f;

    /// <summary>Bits of <see cref="Rounder"/>.</summary>
    public const int RounderBits = 0x4B400000;

    /// <summary>Exponent of 1.</summary>
    public const int ExponentOfOne = 127;

    public const float C5 = 1.9875691500e-4f;
    public const float C4 = 1.3981999507e-3f;
    public const float C3 = 8.3334519073e-3f;
    public const float C2 = 4.1665795894e-2f;
    public const float C1 = 1.6666665459e-1f;
    public const float C0 = 5.0000001201e-1f;
}
