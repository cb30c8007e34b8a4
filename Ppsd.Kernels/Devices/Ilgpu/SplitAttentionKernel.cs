using ILGPU;
using ILGPU.Runtime;

namespace Ppsd.Kernels.Devices.Ilgpu;

/// <summary>
/// Attention of a tile of queries over chunks of <see cref="ChunkLength"/> positions (flash decoding, Dao et al. 2023):
/// groups share a tile's chunks, and the last of them joins what they found (<see cref="ChunkMerge"/>). Chunks begin at
/// fixed positions and a column is its own sum, so a row's bits depend on nothing but its own context: not on what rides
/// along, where its tokens lie, how many groups share them, or how large the card is.
/// </summary>
/// <remarks>
/// A warp takes <see cref="TileLength"/> positions and multiplies their keys and values with up to eight queries, which
/// costs the tensor core no more than one. A group has the next chunks' keys and values on the way to shared memory while
/// it computes one; in a step of a few rows it orders the first before their queries are known, which it turns itself.
/// Rows that share a context share its loads; others take turns.
/// </remarks>
internal static class SplitAttentionKernel
{
    /// <summary>Positions of a chunk: 128.</summary>
    public const int ChunkLength = 1 << ChunkShift;

    /// <summary>Their logarithm: divisions are slow on a card.</summary>
    public const int ChunkShift = TileShift + 3;

    /// <summary>Positions of a warp's tile: 16.</summary>
    public const int TileLength = 1 << TileShift;

    /// <summary>Their logarithm.</summary>
    public const int TileShift = 4;

    /// <summary>Warps of a group.</summary>
    public const int WarpCount = ChunkLength / TileLength;

    /// <summary>Threads of a group.</summary>
    public const int GroupSize = WarpCount * GroupSum.WarpSize;

    /// <summary>One group a multiprocessor: shared memory has no room for more.</summary>
    public static KernelSpecialization Specialization { get; } = new(GroupSize, 1);

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
    /// <param name="stages">Stages of the ring; see <see cref="KvRing{TElement, TParts}"/>.</param>
    /// <param name="geometry">How the work is cut.</param>
    /// <param name="partials">What groups leave for the last of their tile.</param>
    /// <param name="y">[rows, stride].</param>
    /// <param name="stride">Values from one row to the next.</param>
    public static void Execute<TElement, TParts>(
        RowContexts rows,
        int firstRow,
        int lastRow,
        int appendCount,
        AttentionSource source,
        KvCacheView cache,
        int stages,
        AttentionGeometry geometry,
        AttentionPartials partials,
        ArrayView<float> y,
        int stride
    )
        where TElement : struct, IKvEights
        where TParts : struct, IHeadParts
    {
        DependentLaunch.Release();
        FourTiles.Declare();
        var tiles = new FourTiles();
        var shared = AttentionShared.OfGroup<TElement, TParts>(stages);
        var ring = KvRing<TElement, TParts>.Of(shared.Ring, stages, cache, geometry);
        var tile = QueryTile.OfGroup(rows, firstRow, lastRow, geometry);
        var appended = AppendedRows.Of(rows, appendCount);
        var walk = ChunkWalk.Begin(tile);
        if (appendCount == 0)
        {
            // A kernel before has appended to what is read here.
            DependentLaunch.Wait();
        }

        // All stages are ordered before the first chunk is looked at, then one before each. Keys and values of earlier steps
        // lie ready, so that the first of them arrive while the kernel before still runs.
        var ahead = walk;
        var toOrder = stages;
        ring.LookUp(rows, tile, ahead);
        while (true)
        {
            ring.Order(tile, ahead, appended);
            ahead.Next(tile);
            ring.LookUp(rows, tile, ahead);
            if (--toOrder > 0)
            {
                continue;
            }

            if (toOrder == 0)
            {
                TurnedHeads.Clear(shared);
                Group.Barrier();
                DependentLaunch.Wait();
                TurnedHeads.Stage<TElement, TParts>(source, tile, appended, geometry, shared);
                Group.Barrier();
                if (Grid.IdxZ == 0 && Grid.IdxY == Grid.DimY - 1)
                {
                    TurnedHeads.Append<TElement, TParts>(cache, tile, appended, geometry, shared);
                }
            }

            if (walk.Leader < 0)
            {
                break;
            }

            ring.Complete(tile, walk, appended, shared.Appended);
            AttentionChunk.Attend(ring, shared, tile, walk, geometry, ref tiles, tile.FirstRow - firstRow, partials);
            walk.Next(tile);
            ring.Release();
            Group.Barrier();
        }

        if (ChunkMerge.IsLast(partials, shared.IsLast))
        {
            ChunkMerge.Merge<TParts>(tile, geometry, tile.FirstRow - firstRow, partials, y, stride);
        }
    }
}
