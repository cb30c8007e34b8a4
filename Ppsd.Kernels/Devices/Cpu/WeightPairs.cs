using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Ppsd.Kernels.Devices.Cpu;

/// <summary>
/// How a column pair of a packed tile becomes two vectors of sixteen fp32 weights. A load also prefetches the weights
/// that lie <see cref="PrefetchBytes"/> on.
/// </summary>
/// <remarks>
/// The processor's own prefetchers stop at the end of a memory page, and a tile is one or two pages: measured on an EPYC
/// (Zen 4) at width 8, a model of 24 MB is read a tenth faster when each page is asked for while the one before is used.
/// </remarks>
internal unsafe interface IWeightPairs
{
    /// <summary>A memory page.</summary>
    const int PrefetchBytes = 4096;

    /// <summary>Bytes of a column pair.</summary>
    static abstract int Bytes { get; }

    /// <summary>Bytes from the first half of a tile's lanes to the second.</summary>
    const int HalfBytes = 32;

    static abstract void Load(byte* pair, out Vector512<float> even, out Vector512<float> odd);

    /// <summary>Half of the lanes of the even column, from a pointer to the first half's or the second's.</summary>
    static abstract Vector256<float> LoadHalfEven(byte* pair);

    /// <summary>The same lanes of the odd column.</summary>
    static abstract Vector256<float> LoadHalfOdd(byte* pair);
}

/// <summary>bf16: the upper half of an fp32, so a shift or a mask converts it.</summary>
internal readonly struct BFloat16Pairs : IWeightPairs
{
    public static int Bytes => CacheLine.Bytes;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe void Load(byte* pair, out Vector512<float> even, out Vector512<float> odd)
    {
        CacheLine.Prefetch(pair + IWeightPairs.PrefetchBytes);
        var packed = Vector512.Load((uint*)pair);
        even = (packed << 16).AsSingle();
        odd = (packed & Vector512.Create(0xFFFF0000u)).AsSingle();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe Vector256<float> LoadHalfEven(byte* pair) => (Vector256.Load((uint*)pair) << 16).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe Vector256<float> LoadHalfOdd(byte* pair) =>
        (Vector256.Load((uint*)pair) & Vector256.Create(0xFFFF0000u)).AsSingle();
}

/// <summary>fp32, as stored.</summary>
internal readonly struct Float32Pairs : IWeightPairs
{
    public static int Bytes => 2 * CacheLine.Bytes;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe void Load(byte* pair, out Vector512<float> even, out Vector512<float> odd)
    {
        CacheLine.Prefetch(pair + IWeightPairs.PrefetchBytes);
        CacheLine.Prefetch(pair + IWeightPairs.PrefetchBytes + CacheLine.Bytes);
        even = Vector512.Load((float*)pair);
        odd = Vector512.Load((float*)pair + Lanes.Count);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe Vector256<float> LoadHalfEven(byte* pair) => Vector256.Load((float*)pair);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe Vector256<float> LoadHalfOdd(byte* pair) => Vector256.Load((float*)pair + Lanes.Count);
}
