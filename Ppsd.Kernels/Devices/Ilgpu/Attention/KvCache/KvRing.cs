using ILGPU;
using ILGPU.Algorithms;
using Ppsd.Kernels.Devices.Ilgpu.Attention.Tiling;
using Ppsd.Kernels.Devices.Ilgpu.Lane;
using Ppsd.Kernels.Devices.Ilgpu.Rows;

namespace Ppsd.Kernels.Devices.Ilgpu.Attention.KvCache;

/// <summary>
/// Keys and values of the warps' tiles of positions on their way through dynamic shared memory: <see
/// cref="KvStage{TElement, TParts}"/>s that are requested, arrive and are released in turn, keys before values. A
/// thread copies only what it multiplies itself, so it may request the next stage as soon as it has read its part.
/// </summary>
/// <typeparam name="TElement">How the cache is read.</typeparam>
/// <typeparam name="TParts">Size of a head.</typeparam>
internal struct KvRing<TElement, TParts>
    where TElement : struct, IKvEights
    where TParts : struct, IHeadParts
{
    /// <summary>Stages at most; of a head of more than 64 values there is room for one where two groups share it.</summary>
    public const int MaxStageCount = 3;

    private const int FoundBits = 4;

    private ArrayView<UInt4> _ring;
    private KvCacheView _cache;
    private AttentionGeometry _geometry;
    private int _own;
    private int _depth;
    private int _slot;
    private int _freeSlot;
    private int _lookedUp;

    // For each stage, the last ordered first, four bits: which appended row holds the position the lane looked up.
    private int _found;

    /// <summary>An empty ring.</summary>
    /// <param name="ring">Its memory, the first of the group's dynamic shared memory.</param>
    /// <param name="stages">Its stages, 1 to 3.</param>
    /// <param name="cache">Where keys and values come from.</param>
    /// <param name="geometry">How they lie there.</param>
    public static KvRing<TElement, TParts> Of(
        ArrayView<UInt4> ring,
        int stages,
        KvCacheView cache,
        AttentionGeometry geometry
    ) =>
        new()
        {
            _ring = ring,
            _depth = stages,
            _cache = cache,
            _geometry = geometry,
            _own = SharedCopy.OwnAddress(),
        };

    /// <summary>Looks up the slots of the next chunk, well ahead because copies wait for the result.</summary>
    public void LookUp(RowContexts rows, in QueryTile tile, in ChunkWalk walk)
    {
        if (walk.Leader >= 0)
        {
            var context = tile.ContextOf(walk.Leader);
            _lookedUp = SlotOfLane(rows, context, XMath.Min(PositionOfWarp(walk), context.Length - 1));
        }
    }

    /// <summary>
    /// Begins to copy the keys of a chunk to where those that the thread has read last lay; its batch may be empty. The
    /// chunk's slots must have been looked up. What appended rows hold comes later (<see cref="CompleteKeys"/>): their
    /// slots are copied as well, so that no copy waits for the lookup, and what arrives from there is arbitrary.
    /// </summary>
    public void OrderKeys(in QueryTile tile, in ChunkWalk walk, in AppendedRows appended)
    {
        var found = 0;
        if (walk.Leader >= 0)
        {
            var length = tile.LengthOf(walk.Leader);
            var position = PositionOfWarp(walk);
            if (position < length)
            {
                KvStage<TElement, TParts>.CopyKeys(_ring, _freeSlot, _own, _cache, _geometry, tile.KvHead, _lookedUp);
                if (appended.MayHold(position, length))
                {
                    found = appended.Find(_lookedUp);
                }
            }
        }

        SharedCopy.Commit();
        _found = (_found << FoundBits) | found;
    }

    /// <summary>The same for the chunk's values; must follow <see cref="OrderKeys"/>.</summary>
    public void OrderValues(in QueryTile tile, in ChunkWalk walk)
    {
        if (walk.Leader >= 0 && PositionOfWarp(walk) < tile.LengthOf(walk.Leader))
        {
            KvStage<TElement, TParts>.CopyValues(_ring, _freeSlot, _own, _cache, _geometry, tile.KvHead, _lookedUp);
        }

        SharedCopy.Commit();
        _freeSlot = Following(_freeSlot);
    }

    /// <summary>
    /// Waits for the thread's part of the oldest chunk's keys, and puts in its place what appended rows hold of it. These
    /// must have been staged. Threads write only what they will read themselves.
    /// </summary>
    public readonly void CompleteKeys(
        in QueryTile tile,
        in ChunkWalk walk,
        in AppendedRows appended,
        ArrayView<UInt4> held
    )
    {
        // Behind them: the chunk's values, and both of each further stage.
        WaitForAllBut(2 * _depth - 1);
        if (MayHold(tile, walk, appended))
        {
            KvStage<TElement, TParts>.PutKeys(_ring, _slot, held, FoundOf(_depth - 1));
        }
    }

    /// <summary>The same as <see cref="CompleteKeys"/> for the chunk's values.</summary>
    /// <param name="tile">The group's queries.</param>
    /// <param name="appended">The step's rows.</param>
    /// <param name="held">See <see cref="AttentionShared.Appended"/>.</param>
    /// <param name="isFollowed">1 when the keys that take the place of this chunk's are ordered already, else 0.</param>
    public readonly void CompleteValues(
        in QueryTile tile,
        in ChunkWalk walk,
        in AppendedRows appended,
        ArrayView<UInt4> held,
        int isFollowed
    )
    {
        WaitForAllBut(2 * _depth - 2 + isFollowed);
        if (MayHold(tile, walk, appended))
        {
            KvStage<TElement, TParts>.PutValues(_ring, _slot, held, FoundOf(_depth - 1 + isFollowed));
        }
    }

    /// <summary>Gives up the oldest chunk.</summary>
    public void Release() => _slot = Following(_slot);

    /// <summary>The oldest chunk's keys; see <see cref="KvStage{TElement, TParts}.Keys"/>.</summary>
    public readonly KeyPart Keys(int part) => KvStage<TElement, TParts>.Keys(_ring, _slot, part);

    /// <summary>The oldest chunk's values; see <see cref="KvStage{TElement, TParts}.Values"/>.</summary>
    public readonly ValuePart Values(int part) => KvStage<TElement, TParts>.Values(_ring, _slot, part, Group.IdxX);

    private static int PositionOfWarp(in ChunkWalk walk) => walk.Start + (Group.IdxX >> 5) * AttentionTiling.TileLength;

    private static bool MayHold(in QueryTile tile, in ChunkWalk walk, in AppendedRows appended)
    {
        var length = tile.LengthOf(walk.Leader);
        var position = PositionOfWarp(walk);
        return position < length && appended.MayHold(position, length);
    }

    /// <summary>What was found for a stage, counted from the last whose keys were ordered.</summary>
    private readonly int FoundOf(int stage) => (_found >> (FoundBits * stage)) & ((1 << FoundBits) - 1);

    private static void WaitForAllBut(int batches)
    {
        if (batches >= 5)
        {
            SharedCopy.WaitForAllBut(5);
        }
        else if (batches == 4)
        {
            SharedCopy.WaitForAllBut(4);
        }
        else if (batches == 3)
        {
            SharedCopy.WaitForAllBut(3);
        }
        else if (batches == 2)
        {
            SharedCopy.WaitForAllBut(2);
        }
        else if (batches == 1)
        {
            SharedCopy.WaitForAllBut(1);
        }
        else
        {
            SharedCopy.WaitForAll();
        }
    }

    private readonly int Following(int slot) => slot + 1 < _depth ? slot + 1 : 0;

    /// <summary>The slot of the lane's position of a warp's sixteen; past the context's end its last slot again.</summary>
    private static int SlotOfLane(RowContexts rows, in RowContext context, int position)
    {
        var own = position + (Warp.LaneIdx & (AttentionTiling.TileLength - 1));
        return rows.Words[context.SlotWord(XMath.Min(own, context.Length - 1))];
    }
}
