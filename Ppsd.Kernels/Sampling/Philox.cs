using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Ppsd.Kernels.Sampling;

/// <summary>
/// The counter-based generator Philox4x32-10 (Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as
/// 1, 2, 3", SC 2011): ten rounds turn a 128-bit counter and a 64-bit key into four random words. Stateless, so the
/// same (seed, position, token) gives the same noise on any stage, in any order, at any time.
/// </summary>
internal static class Philox
{
    private const int Rounds = 10;
    private const uint Multiplier0 = 0xD2511F53;
    private const uint Multiplier1 = 0xCD9E8D57;
    private const uint Weyl0 = 0x9E3779B9;
    private const uint Weyl1 = 0xBB67AE85;

    /// <summary>Sixteen counters at once, one a lane; each argument holds one word of them.</summary>
    public static void Generate(
        ref Vector512<uint> word0,
        ref Vector512<uint> word1,
        ref Vector512<uint> word2,
        ref Vector512<uint> word3,
        ulong key
    )
    {
        var key0 = (uint)key;
        var key1 = (uint)(key >> 32);
        for (var round = 0; round < Rounds; round++)
        {
            MultiplyWide(word0, Multiplier0, out var high0, out var low0);
            MultiplyWide(word2, Multiplier1, out var high1, out var low1);
            word0 = high1 ^ word1 ^ Vector512.Create(key0);
            word1 = low1;
            word2 = high0 ^ word3 ^ Vector512.Create(key1);
            word3 = low0;
            key0 += Weyl0;
            key1 += Weyl1;
        }
    }

    /// <summary>One counter; also in kernels.</summary>
    public static void Generate(ref uint word0, ref uint word1, ref uint word2, ref uint word3, ulong key)
    {
        var key0 = (uint)key;
        var key1 = (uint)(key >> 32);
        for (var round = 0; round < Rounds; round++)
        {
            var wide0 = (ulong)word0 * Multiplier0;
            var wide1 = (ulong)word2 * Multiplier1;
            word0 = (uint)(wide1 >> 32) ^ word1 ^ key0;
            word1 = (uint)wide1;
            word2 = (uint)(wide0 >> 32) ^ word3 ^ key1;
            word3 = (uint)wide0;
            key0 += Weyl0;
            key1 += Weyl1;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void MultiplyWide(
        Vector512<uint> value,
        uint multiplier,
        out Vector512<uint> high,
        out Vector512<uint> low
    )
    {
        // 32x32 to 64 bits: even and odd lanes as two vectors of 64-bit products, then their halves back in lane order.
        var wide = Vector512.Create((ulong)multiplier);
        var even = (value.AsUInt64() & Vector512.Create(0xFFFFFFFFUL)) * wide;
        var odd = (value.AsUInt64() >> 32) * wide;
        low = ((even & Vector512.Create(0xFFFFFFFFUL)) | (odd << 32)).AsUInt32();
        high = ((even >> 32) | (odd & Vector512.Create(0xFFFFFFFF00000000UL))).AsUInt32();
    }
}
