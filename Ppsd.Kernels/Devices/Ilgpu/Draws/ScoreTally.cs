using ILGPU;
using Ppsd.Kernels.Devices.Ilgpu.Lane;
using Ppsd.Kernels.Sampling;

namespace Ppsd.Kernels.Devices.Ilgpu.Draws;

/// <summary>Number and total weight of tokens at or above a score.</summary>
internal struct ScoreTally
{
    public long Count;

    /// <summary>See <see cref="TokenWeight"/>.</summary>
    public long Weight;

    /// <summary>One of the two.</summary>
    public readonly long Of(int byWeight) => byWeight != 0 ? Weight : Count;

    /// <summary>With a score, if it is at or above another.</summary>
    public readonly ScoreTally With(uint ordered, uint least, float max) =>
        ordered < least ? this : new ScoreTally { Count = Count + 1, Weight = Weight + DrawKey.Weight(ordered, max) };

    /// <summary>Sum over a group's threads, in every thread. All must arrive.</summary>
    public readonly ScoreTally OverGroup(ArrayView<long> counts, ArrayView<long> weights, int warps)
    {
        var count = GroupSum.OverWarp(Count);
        var weight = GroupSum.OverWarp(Weight);
        if (Warp.LaneIdx == 0)
        {
            counts[Group.IdxX >> 5] = count;
            weights[Group.IdxX >> 5] = weight;
        }

        Group.Barrier();
        var total = new ScoreTally();
        for (var warp = 0; warp < warps; warp++)
        {
            total.Count += counts[warp];
            total.Weight += weights[warp];
        }

        Group.Barrier();
        return total;
    }
}
