using ILGPU;
using Ppsd.Kernels.Devices.Ilgpu.Lane;

namespace Ppsd.Kernels.Devices.Ilgpu.Attention.Tiling;

/// <summary>
/// Partial results that groups of <see cref="Chunks.SplitAttentionKernel"/> store for the group that merges a tile's chunks.
/// </summary>
internal struct AttentionPartials
{
    /// <summary>
    /// Weighted values, [row of the launch, head, chunk, parts * 16]; see <see cref="ChunkQuad.FirstValue"/> for their order.
    /// </summary>
    public ArrayView<Float4> Weighted;

    /// <summary>Where they lie on the card; 0 on the simulator.</summary>
    public long WeightedAddress;

    /// <summary>Largest score and sum of weights, [row of the launch, head, chunk].</summary>
    public ArrayView<SoftmaxTotal> Totals;

    /// <summary>Where they lie on the card; 0 on the simulator.</summary>
    public long TotalAddress;

    /// <summary>
    /// Number of finished groups of each tile, [tile, key/value head]. The last group resets it, so that it is zero
    /// between launches, whatever became of the step: no group of this kernel ever ends early.
    /// </summary>
    public ArrayView<int> Finished;

    /// <summary>Where the counters lie on the card; 0 on the simulator.</summary>
    public long FinishedAddress;
}
