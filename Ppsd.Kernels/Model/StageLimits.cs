using Ppsd.Kernels.Cache;

namespace Ppsd.Kernels.Model;

/// <summary>Sizes a stage allocates for.</summary>
/// <param name="KvPages">Pages of the KV cache.</param>
/// <param name="MaxLength">Longest sequence, in tokens.</param>
/// <param name="MaxRows">Most rows of one step (a chunk of the prompt).</param>
/// <param name="MaxWidth">Most rows of one step that a head serves (candidates of a micro-batch).</param>
/// <param name="MaxDepth">Most steps a head drafts ahead; 1 for a head that is not a chain.</param>
internal readonly record struct StageLimits(int KvPages, int MaxLength, int MaxRows, int MaxWidth, int MaxDepth)
{
    /// <summary>Token slots of the KV cache.</summary>
    public int KvSlots => KvPages * KvPagePool.PageSize;
}
