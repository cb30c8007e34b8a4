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

    static abstract void Load(byte* tile, int pair, out Vector512<float> even, out Vector512<float> odd);
}

/// <summary>bf16: the upper half of an fp32, so a shift or a mask converts it.</summary>
internal readonly struct BFloat16Pairs : IWeightPairs
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe void Load(byte* tile, int pair, out Vector512<float> even, out Vector512<float> odd)
    {
        var at = tile + (long)pair * CacheLine.Bytes;
        CacheLine.Prefetch(at + IWeightPairs.PrefetchBytes);
        var packed = Vector512.Load((uint*)at);
        even = (packed << 16).AsSingle();
        odd = (packed & Vector512.Create(0xFFFF0000u)).AsSingle();
    }
}

/// <summary>fp32, as stored.</summary>
internal readonly struct Float32Pairs : IWeightPairs
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe void Load(byte* tile, int pair, out Vector512<float> even, out Vector512<float> odd)
    {
        var at = tile + (long)pair * 2 * CacheLine.Bytes;
        CacheLine.Prefetch(at + IWeightPairs.PrefetchBytes);
        CacheLine.Prefetch(at + IWeightPairs.PrefetchBytes + CacheLine.Bytes);
        even = Vector512.Load((float*)at);
        odd = Vector512.Load((float*)at + Lanes.Count);
    }
}
