using ILGPU;

namespace Ppsd.Kernels.Devices.Ilgpu.Rows;

/// <summary>Counters of a product whose tiles several groups share.</summary>
internal static class PartialCounts
{
    /// <summary>Makes them zero; threads of one group.</summary>
    /// <param name="groupSize">Threads of the group.</param>
    public static void Clear(ArrayView<int> counts, int groupSize)
    {
        for (var i = Group.IdxX; i < (int)counts.Length; i += groupSize)
        {
            counts[i] = 0;
        }
    }
}
