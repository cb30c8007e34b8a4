using ILGPU;
using ILGPU.Algorithms;
using ILGPU.Runtime;
using Ppsd.Kernels.Devices.Ilgpu.Attention.Chunks;
using Ppsd.Kernels.Devices.Ilgpu.Attention.KvCache;
using Ppsd.Kernels.Devices.Ilgpu.Attention.Tiling;
using Ppsd.Kernels.Devices.Ilgpu.Driver;
using Ppsd.Kernels.Devices.Ilgpu.Lane;
using Ppsd.Kernels.Devices.Ilgpu.Rows;

namespace Ppsd.Kernels.Devices.Ilgpu.Attention.Prompts;

/// <summary>
/// Attention of a prompt's rows over a bf16 cache. Bits are those of <see cref="SplitAttentionKernel"/>: the same products
/// in the same order, chunk by chunk, and the same merge (<see cref="PromptMergeKernel"/>). There a group serves one tile of
/// eight columns, and each of its warps sixteen positions of a chunk. Here a group serves eight tiles, a warp each over the
/// whole chunk, so that a chunk's keys and values come to shared memory once for 64 columns and no sum crosses warps.
/// </summary>
/// <remarks>
/// Each row's context must begin with that of the row before it (<see cref="RowRange.IsPrompt"/>), and keys and values of
/// all rows must have been appended.
/// <para>Versions:</para>
/// <para>1. Eight tiles a group, two chunks in shared memory, a barrier a chunk, queries in registers, partial results by way of
/// global memory. 512 rows, LLaMA-2-7B, one H200: 75 us a layer at context 512, 239 at 2,048. By count it is 122, as a chunk of 64
/// rows of 128 values takes 4,100 cycles of shared memory's reads (each warp reads the whole chunk), 3,300 of issue and about
/// 2,000 of the tensor cores. <see cref="SplitAttentionKernel"/> was measured at 10,000 cycles a chunk for 8 rows.</para>
/// </remarks>
internal static class PromptAttentionKernel
{
    /// <summary>One group a multiprocessor: two chunks take most of its shared memory, sums most of its registers.</summary>
    public static KernelSpecialization Specialization { get; } = new(AttentionTiling.GroupSize, 1);

    /// <summary>Grid: key/value heads, groups that share the chunks of a block, blocks (<see cref="PromptBlock"/>).</summary>
    /// <param name="rows">The step's rows.</param>
    /// <param name="firstRow">First row of this launch.</param>
    /// <param name="lastRow">Row after the last of this launch.</param>
    /// <param name="source">The step's queries.</param>
    /// <param name="cache">Keys and values.</param>
    /// <param name="geometry">How the work is cut.</param>
    /// <param name="partials">Receives each chunk's results.</param>
    public static void Execute<TParts>(
        RowContexts rows,
        int firstRow,
        int lastRow,
        AttentionSource source,
        KvCacheView cache,
        AttentionGeometry geometry,
        AttentionPartials partials
    )
        where TParts : struct, IHeadParts
    {
        DependentLaunch.Release();
        PromptChunk<TParts>.Declare();
        var shared = PromptShared.OfWarp<TParts>();
        var own = SharedCopy.OwnAddress();
        var block = PromptBlock.OfWarp(rows, firstRow, lastRow, geometry);
        var columns = PromptColumns.Of(block.Tile, geometry, firstRow);
        var chunks = (block.Context.Length + AttentionTiling.ChunkLength - 1) >> AttentionTiling.ChunkShift;
        var chunk = Grid.IdxY;
        var slot = SlotOf(rows, block.Context, chunk);

        // The previous kernel has appended to the cache that is read here.
        DependentLaunch.Wait();
        if (chunk < chunks)
        {
            Order<TParts>(shared, 0, own, cache, geometry, slot);
        }

        slot = SlotOf(rows, block.Context, chunk + Grid.DimY);
        PromptQueries.Stage<TParts>(source, block.Tile, geometry, shared.Queries);
        Warp.Barrier();
        PromptChunk<TParts>.LoadQueries(shared);
        var stage = 0;
        while (chunk < chunks)
        {
            // After the barrier all threads' copies of this chunk have arrived, and no warp reads the one before it any more.
            SharedCopy.WaitForAll();
            Group.Barrier();
            var next = chunk + Grid.DimY;
            if (next < chunks)
            {
                Order<TParts>(shared, stage ^ 1, own, cache, geometry, slot);
                slot = SlotOf(rows, block.Context, next + Grid.DimY);
            }

            if (chunk * AttentionTiling.ChunkLength < columns.Longest)
            {
                PromptChunk<TParts>.Attend(shared, stage, chunk, columns, geometry.Scale, partials);
            }

            chunk = next;
            stage ^= 1;
        }
    }

    /// <summary>The slot of the lane's position of the warp's share of a chunk; past the context's end its last slot again.</summary>
    private static int SlotOf(RowContexts rows, in RowContext context, int chunk)
    {
        var position =
            chunk * AttentionTiling.ChunkLength
            + (Group.IdxX >> 5) * AttentionTiling.TileLength
            + (Warp.LaneIdx & (AttentionTiling.TileLength - 1));
        return rows.Words[context.SlotWord(XMath.Min(position, context.Length - 1))];
    }

    /// <summary>
    /// Begins to copy a chunk, each warp sixteen positions. Past the context's end its last position is copied again: weights
    /// there are zero, but what they are multiplied with must be finite.
    /// </summary>
    private static void Order<TParts>(
        in PromptShared shared,
        int stage,
        int own,
        in KvCacheView cache,
        in AttentionGeometry geometry,
        int slot
    )
        where TParts : struct, IHeadParts
    {
        KvStage<BFloat16Kv, TParts>.CopyKeys(shared.Ring, stage, own, cache, geometry, Grid.IdxX, slot);
        KvStage<BFloat16Kv, TParts>.CopyValues(shared.Ring, stage, own, cache, geometry, Grid.IdxX, slot);
    }
}
