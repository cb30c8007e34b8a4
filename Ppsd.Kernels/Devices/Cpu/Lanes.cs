using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Ppsd.Kernels.Devices.Cpu;

/// <summary>
/// Sixteen fp32 lanes and the one order in which they are summed. All CPU kernels use <see cref="Vector512{T}"/>; on
/// processors without 512-bit registers the runtime runs each operation as two of 256 bits, lane for lane the same, so
/// the bits do not depend on the processor (FMA is required and present on all of them).
/// </summary>
internal static class Lanes
{
    /// <summary>Lanes in a vector.</summary>
    public const int Count = 16;

    /// <summary>Rounds up to whole vectors.</summary>
    public static int RoundUp(int length) => (length + Count - 1) & -Count;

    /// <summary>Sums lanes as a fixed tree: 16 to 8 to 4 to 2 to 1.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Sum(Vector512<float> v)
    {
        var eight = v.GetLower() + v.GetUpper();
        var four = eight.GetLower() + eight.GetUpper();
        return four[0] + four[2] + (four[1] + four[3]);
    }

    /// <summary>Sums the lanes of four vectors at once, each in that order.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Sum(Vector512<float> a, Vector512<float> b, Vector512<float> c, Vector512<float> d)
    {
        var a4 = Fold(a);
        var b4 = Fold(b);
        var c4 = Fold(c);
        var d4 = Fold(d);

        // A 4x4 transpose turns four sums across lanes into two additions of whole vectors.
        var ab02 = Vector128.Create(a4[0], b4[0], c4[0], d4[0]) + Vector128.Create(a4[2], b4[2], c4[2], d4[2]);
        var ab13 = Vector128.Create(a4[1], b4[1], c4[1], d4[1]) + Vector128.Create(a4[3], b4[3], c4[3], d4[3]);
        return ab02 + ab13;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> Fold(Vector512<float> v)
    {
        var eight = v.GetLower() + v.GetUpper();
        return eight.GetLower() + eight.GetUpper();
    }
}
