namespace Ppsd.Kernels.Devices.Ilgpu.Attention.KvCache;

/// <summary>What a group of <see cref="SplitAttentionKernel"/> has shared memory for.</summary>
internal struct AttentionRoom
{
    /// <summary>Stages of the ring; see <see cref="KvRing{TElement, TParts}"/>.</summary>
    public int Stages;

    /// <summary>
    /// 1 when the warps' weighted values have a place of their own, 0 when they take that of the keys: then there is one
    /// stage, and a chunk is ordered only when the one before is done.
    /// </summary>
    public int WeightedSpaces;
}
