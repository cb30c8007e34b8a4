namespace Ppsd.Kernels.Devices.Ilgpu.Attention.KvCache;

/// <summary>Layout of a group's shared memory in <see cref="Chunks.SplitAttentionKernel"/>.</summary>
internal struct AttentionRoom
{
    /// <summary>Stages of the ring; see <see cref="KvRing{TElement, TParts}"/>.</summary>
    public int Stages;

    /// <summary>
    /// Spaces for the warps' weighted values, 0 or 1. With 0 they overwrite the keys; then there is one stage, and a
    /// chunk is copied only after the previous one is done.
    /// </summary>
    public int WeightedSpaces;
}
