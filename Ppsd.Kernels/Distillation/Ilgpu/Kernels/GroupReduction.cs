using ILGPU;
using ILGPU.Algorithms;
using Ppsd.Kernels.Devices.Ilgpu.Lane;

namespace Ppsd.Kernels.Distillation.Ilgpu.Kernels;

/// <summary>Reductions over a group of whole warps, in one fixed order, to every thread. All threads must arrive.</summary>
internal static class GroupReduction
{
    /// <summary>Most warps of a group.</summary>
    public const int MaxWarps = 8;

    /// <summary>Sum.</summary>
    /// <param name="value">The thread's.</param>
    /// <param name="shared">Shared memory, [<see cref="MaxWarps"/>].</param>
    public static float Sum(float value, ArrayView<float> shared)
    {
        value = GroupSum.OverWarp(value);
        if ((Group.IdxX & 31) == 0)
        {
            shared[Group.IdxX >> 5] = value;
        }

        Group.Barrier();
        var total = 0f;
        for (var warp = 0; warp < Group.DimX >> 5; warp++)
        {
            total += shared[warp];
        }

        Group.Barrier();
        return total;
    }

    /// <summary>Largest value.</summary>
    public static float Max(float value, ArrayView<float> shared)
    {
        value = OverWarp(value);
        if ((Group.IdxX & 31) == 0)
        {
            shared[Group.IdxX >> 5] = value;
        }

        Group.Barrier();
        var largest = shared[0];
        for (var warp = 1; warp < Group.DimX >> 5; warp++)
        {
            largest = XMath.Max(largest, shared[warp]);
        }

        Group.Barrier();
        return largest;
    }

    /// <summary>Largest value of the warp, in every lane.</summary>
    public static float OverWarp(float value)
    {
        value = XMath.Max(value, Warp.ShuffleXor(value, 16));
        value = XMath.Max(value, Warp.ShuffleXor(value, 8));
        value = XMath.Max(value, Warp.ShuffleXor(value, 4));
        value = XMath.Max(value, Warp.ShuffleXor(value, 2));
        return XMath.Max(value, Warp.ShuffleXor(value, 1));
    }
}
