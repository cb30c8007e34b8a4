using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Ppsd.Kernels.Devices.Cpu;

/// <summary>How a column pair of a packed tile becomes two vectors of sixteen fp32 weights.</summary>
internal unsafe interface IWeightPairs
{
    static abstract void Load(byte* tile, int pair, out Vector512<float> even, out Vector512<float> odd);
}

/// <summary>bf16: the upper half of an fp32, so a shift or a mask converts it.</summary>
internal readonly struct BFloat16Pairs : IWeightPairs
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe void Load(byte* tile, int pair, out Vector512<float> even, out Vector512<float> odd)
    {
        var packed = Vector512.Load((uint*)tile + (long)pair * Lanes.Count);
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
        var first = (float*)tile + (long)pair * 2 * Lanes.Count;
        even = Vector512.Load(first);
        odd = Vector512.Load(first + Lanes.Count);
    }
}
