using System.Security.Cryptography;

namespace Ppsd.Host.Generation;

/// <summary>A seed for a text that was not given one.</summary>
internal static class DrawnSeed
{
    /// <summary>Seeds are drawn below this, so that every JSON reader can hold them exactly.</summary>
    private const ulong Bound = 1UL << 53;

    /// <summary>Draws a seed. Thread-safe.</summary>
    public static ulong Next() => BitConverter.ToUInt64(RandomNumberGenerator.GetBytes(sizeof(ulong))) % Bound;
}
