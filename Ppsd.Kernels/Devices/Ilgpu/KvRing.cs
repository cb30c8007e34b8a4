using ILGPU;
using ILGPU.Algorithms;

namespace Ppsd.Kernels.Devices.Ilgpu;

/// <summary>
/// Keys and values of the warps' tiles of positions on their way through dynamic shared memory: <see cref="KvStage{TElement,
/// TParts}"/>s that are ordered, arrive, and are given up in turn.
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

    /// <summary>Looks up the slots of the chunk that is ordered next: long before, since copies wait for the answer.</summary>
    public void LookUp(RowContexts rows, in QueryTile tile, in ChunkWalk walk)
    {
        if (walk.Leader >= 0)
        {
            var context = tile.ContextOf(walk.Leader);
            var position = walk.Start + (Group.IdxX >> 5) * SplitAttentionKernel.TileLength;
            _lookedUp = SlotOfLane(rows, context, XMath.Min(position, context.Length - 1));
        }
    }

    /// <summary>
    /// Begins to copy a chunk to the place of the one that was given up last; the thread's batch may be empty. A barrier
    /// must stand before it, and its slots must have been looked up. What appended rows hold comes later
    /// (<see cref="Complete"/>): their slots are copied as well, so that no copy waits for an answer, and what arrives from
    /// there may be anything.
    /// </summary>
    public void Order(in QueryTile tile, in ChunkWalk walk, in AppendedRows appended)
    {
        var found = 0;
        if (walk.Leader >= 0)
        {
            var length = tile.LengthOf(walk.Leader);
            var position = walk.Start + (Group.IdxX >> 5) * SplitAttentionKernel.TileLength;
            if (position < length)
            {
                KvStage<TElement, TParts>.Copy(_ring, _freeSlot, _own, _cache, _geometry, tile.KvHead, _lookedUp);
                if (appended.MayHold(position, length))
                {
                    found = appended.Find(_lookedUp);
                }
            }
        }

        SharedCopy.Commit();
        _freeSlot = Following(_freeSlot);
        _found = (_found << FoundBits) | found;
    }

    /// <summary>
    /// Waits for the thread's part of the oldest chunk, with all stages ordered, and puts in its place what appended rows
    /// hold of it. These must have been staged. Threads write only what they will read themselves.
    /// </summary>
    public readonly void Complete(in QueryTile tile, in ChunkWalk walk, in AppendedRows appended, ArrayView<UInt4> held)
    {
        if (_depth == MaxStageCount)
        {
            SharedCopy.WaitForAllBut(MaxStageCount - 1);
        }
        else if (_depth > 1)
        {
            SharedCopy.WaitForAllBut(1);
        }
        else
        {
            SharedCopy.WaitForAll();
        }

        var length = tile.LengthOf(walk.Leader);
        var position = walk.Start + (Group.IdxX >> 5) * SplitAttentionKernel.TileLength;
        if (position < length && appended.MayHold(position, length))
        {
            var found = (_found >> (FoundBits * (_depth - 1))) & ((1 << FoundBits) - 1);
            KvStage<TElement, TParts>.Put(_ring, _slot, held, found);
        }
    }

    /// <summary>Gives up the oldest chunk; all warps must have finished with it before the next <see cref="Order"/>.</summary>
    public void Release() => _slot = Following(_slot);

    /// <summary>The oldest chunk's keys; see <see cref="KvStage{TElement, TParts}.Keys"/>.</summary>
    public readonly KeyPart Keys(int part) => KvStage<TElement, TParts>.Keys(_ring, _slot, part);

    /// <summary>The oldest chunk's values; see <see cref="KvStage{TElement, TParts}.Values"/>.</summary>
    public readonly ValuePart Values(int part) => KvStage<TElement, TParts>.Values(_ring, _slot, part);

    /// <summary>The memory of the oldest chunk's keys, for whoever has read them: four values a load.</summary>
    public readonly ArrayView<Float4> KeyPlace =>
        _ring.SubView(_slot * KvStage<TElement, TParts>.Loads, KvStage<TElement, TParts>.KeyLoads).Cast<Float4>();

    /// <summary>Where <see cref="KeyPlace"/> lies on a card.</summary>
    public readonly int KeyPlaceAddress =>
        _own + (_slot * KvStage<TElement, TParts>.Loads - Group.IdxX) * SharedCopy.LoadBytes;

    private readonly int Following(int slot) => slot + 1 < _depth ? slot + 1 : 0;

    /// <summary>The slot of the lane's position of a warp's sixteen; past the context's end its last slot again.</summary>
    private static int SlotOfLane(RowContexts rows, in RowContext context, int position)
    {
        var own = position + (Warp.LaneIdx & (SplitAttentionKernel.TileLength - 1));
        return rows.Words[context.SlotWord(XMath.Min(own, context.Length - 1))];
    }
}
