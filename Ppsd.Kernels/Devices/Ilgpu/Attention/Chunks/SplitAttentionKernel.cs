using ILGPU;
using Ppsd.Kernels.Devices.Ilgpu.Attention.KvCache;
using Ppsd.Kernels.Devices.Ilgpu.Attention.Tiling;
using Ppsd.Kernels.Devices.Ilgpu.Driver;
using Ppsd.Kernels.Devices.Ilgpu.Rows;

namespace Ppsd.Kernels.Devices.Ilgpu.Attention.Chunks;

/// <summary>
/// Attention of a tile of queries over chunks of <see cref="AttentionTiling.ChunkLength"/> positions (flash decoding,
/// Dao et al. 2023): groups share a tile's chunks, and the last of them joins what they found (<see
/// cref="ChunkMerge"/>). Chunks begin at fixed positions and a column is its own sum, so a row's bits depend on nothing
/// but its own context: not on other rows, the place of its tokens, the number of groups or the size of the card.
/// </summary>
/// <remarks>
/// y[row, head] = sum of softmax(q k / sqrt(headSize)) v over the row's own positions. Heads of up to 128 values, padded with zeros
/// to groups of eight; sixteen-byte alignment; values must be finite. Reference: ReferenceOps.Attend of the tests.
/// <para>Versions, in us a layer of LLaMA-2-7B at contexts 512 and 4096 on an H200; docs/gpu-log.md has the tables:</para>
/// <para>1. 128 positions a group, tensor cores for eight queries, sixteen loads in flight a lane, 10.6 and 53.4.</para>
/// <para>2. Queries in shared memory, the cache page by page, heads fastest in the grid, 10.4 and 37.5: registers decide how many
/// groups share a multiprocessor.</para>
/// <para>3. Shifts for divisions, loads without branches, 10.3 and 37.0.</para>
/// <para>4. Rotation, append, chunks and merge in one kernel, keys and values through a ring in shared memory, two groups a
/// multiprocessor, 9.2 and 32.7: with one group a chunk's chain of dependent steps left the memory idle.</para>
/// <para>5. Next keys ordered as soon as these are read, two barriers a chunk instead of three, 3 % faster at 4096 on an H100:
/// the memory was hardly idle any more; about 8 us are the ends.</para>
/// A warp takes <see cref="AttentionTiling.TileLength"/> positions and multiplies their keys and values with up to eight queries, which
/// costs the tensor core no more than one. A group has the next chunks' keys and values on the way to shared memory while
/// it computes one; in a step of a few rows it requests the first before the queries are known,
/// and rotates those itself.
/// Rows that share a context share its loads; others take turns.
/// </remarks>
internal static class SplitAttentionKernel
{
    /// <summary>Two groups share a multiprocessor, so that one waits while the other computes; fp32 needs the room.</summary>
    public static int GroupsPerMultiprocessor<TElement>()
        where TElement : struct, IKvEights => TElement.HasLowPart ? 1 : 2;

    /// <summary>
    /// Grid: key/value heads, groups that share the chunks of a tile, tiles of rows (and of heads, where a key/value head
    /// serves more than eight).
    /// </summary>
    /// <param name="rows">The step's rows.</param>
    /// <param name="firstRow">First row of this launch.</param>
    /// <param name="lastRow">Row after the last of this launch.</param>
    /// <param name="appendCount">The step's rows if this kernel appends their keys and values, else 0.</param>
    /// <param name="source">The step's queries, keys and values.</param>
    /// <param name="cache">Keys and values.</param>
    /// <param name="room">What a group has shared memory for.</param>
    /// <param name="geometry">How the work is cut.</param>
    /// <param name="partials">Partial results for the last group of each tile.</param>
    /// <param name="y">Receives the results.</param>
    public static void Execute<TElement, TParts>(
        RowContexts rows,
        int firstRow,
        int lastRow,
        int appendCount,
        AttentionSource source,
        KvCacheView cache,
        AttentionRoom room,
        AttentionGeometry geometry,
        AttentionPartials partials,
        AttendedRows y
    )
        where TElement : struct, IKvEights
        where TParts : struct, IHeadParts
    {
        DependentLaunch.Release();
        AttentionSums.Declare();
        var tiles = new AttentionSums();
        var shared = AttentionShared.OfGroup<TElement, TParts>(room);
        var ring = KvRing<TElement, TParts>.Of(shared.Ring, room.Stages, cache, geometry);
        var tile = QueryTile.OfGroup(rows, firstRow, lastRow, geometry);
        var appended = AppendedRows.Of(rows, appendCount);
        var walk = ChunkWalk.Begin(tile);
        if (appendCount == 0)
        {
            // The previous kernel has appended to the cache that is read here.
            DependentLaunch.Wait();
        }

        // All stages are started before the first chunk is used. Keys and values of earlier steps are in place, so the
        // first of them arrive while the previous kernel still runs.
        var ahead = walk;
        var toOrder = room.Stages;
        var turn = 0;
        ring.LookUp(rows, tile, ahead);
        while (true)
        {
            if (toOrder > 0 || room.WeightedSpaces == 0)
            {
                ring.OrderKeys(tile, ahead, appended);
                ring.OrderValues(tile, ahead);
                ahead.Next(tile);
                ring.LookUp(rows, tile, ahead);
            }

            if (--toOrder > 0)
            {
                continue;
            }

            if (toOrder == 0)
            {
                RotatedHeads.Clear(shared);
                Group.Barrier();
                DependentLaunch.Wait();
                RotatedHeads.Stage<TElement, TParts>(source, tile, appended, geometry, shared);
                Group.Barrier();
                if (Grid.IdxZ == 0 && Grid.IdxY == Grid.DimY - 1)
                {
                    RotatedHeads.Append<TElement, TParts>(cache, tile, appended, geometry, shared);
                }
            }

            if (walk.Leader < 0)
            {
                break;
            }

            // A thread refills a place as soon as it has read it, unless other threads' values will be stored there.
            ring.CompleteKeys(tile, walk, appended, shared.Appended);
            var scores = AttentionChunk.Score(ring, shared, tile, walk, geometry, turn, ref tiles);
            if (room.WeightedSpaces != 0)
            {
                ring.OrderKeys(tile, ahead, appended);
            }

            Group.Barrier();
            var weights = AttentionChunk.Weigh(shared, scores, turn);
            ring.CompleteValues(tile, walk, appended, shared.Appended, room.WeightedSpaces);
            AttentionChunk.AddValues(ring, shared, tile, walk, weights, ref tiles);
            if (room.WeightedSpaces != 0)
            {
                ring.OrderValues(tile, ahead);
                ahead.Next(tile);
                ring.LookUp(rows, tile, ahead);
            }

            Group.Barrier();
            AttentionChunk.Join<TParts>(shared, tile, walk, geometry, turn, tile.FirstRow - firstRow, partials);
            walk.Next(tile);
            turn ^= 1;
            ring.Release();
            if (room.WeightedSpaces == 0)
            {
                Group.Barrier();
            }
        }

        if (ChunkMerge.IsLast(partials, shared.IsLast))
        {
            ChunkMerge.Merge<TParts>(tile, geometry, tile.FirstRow - firstRow, partials, y);
        }
    }
}
