using ILGPU;

namespace Ppsd.Kernels.Devices.Ilgpu.Lane;

/// <summary>Sums across threads in one fixed order.</summary>
internal static class GroupSum
{
    /// <summary>Lanes of a warp.</summary>
    public const int WarpSize = 32;

    /// <summary>Sum over the warp's lanes, in every lane. All 32 must arrive.</summary>
    /// <remarks>Written out: neither ILGPU nor ptxas unrolls the halving loop.</remarks>
    public static float OverWarp(float value)
    {
        value += Warp.ShuffleXor(value, 16);
        value += Warp.ShuffleXor(value, 8);
        value += Warp.ShuffleXor(value, 4);
        value += Warp.ShuffleXor(value, 2);
        value += Warp.ShuffleXor(value, 1);
        return value;
    }

    /// <summary>The same for integers.</summary>
    public static long OverWarp(long value)
    {
        value += Warp.ShuffleXor(value, 16);
        value += Warp.ShuffleXor(value, 8);
        value += Warp.ShuffleXor(value, 4);
        value += Warp.ShuffleXor(value, 2);
        value += Warp.ShuffleXor(value, 1);
        return value;
    }
}
