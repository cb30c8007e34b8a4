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
    /// <summary>
    /// Stages at most. Three of a large head fill a multiprocessor, and four of a small one leave no room for a second
    /// group: two that could share one would sometimes do so and leave another idle.
    /// </summary>
    public const int MaxStageCount = 4;

    private const int LoadBytes = 16;
    private const int FoundBits = 4;

    private ArrayView<UInt4> _ring;
    private KvCacheView _cache;
    private AttentionGeometry _geometry;
    private int _own;
    private int _depth;
    private int _slot;
    private int _freeSlot;

    // Of the chunk that is ordered next, the lane's.
    private int _kvSlot;

    // For each stage, the last ordered first, four bits: which appended row holds the position the lane looked up.
    private int _found;

    /// <summary>An empty ring.</summary>
    /// <param name="ring">Its memory, the first of the group's dynamic shared memory.</param>
    /// <param name="stages">Its stages, 1 to 4.</param>
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
            _own = RingStage.OwnAddress(),
        };

    /// <summary>
    /// Asks for the slots of the chunk that is ordered next, a position a lane: the answer is there when it is needed.
    /// </summary>
    public void LookUp(RowContexts rows, in QueryTile tile, in ChunkWalk walk)
    {
        if (walk.Leader >= 0)
        {
            // Past the context's end its last slot again; its weight is zero.
            var context = tile.ContextOf(walk.Leader);
            var position = FirstOfWarp(walk) + (Warp.LaneIdx & (SplitAttentionKernel.TileLength - 1));
            _kvSlot = rows.Words[context.SlotWord(XMath.Min(position, context.Length - 1))];
        }
    }

    /// <summary>
    /// Begins to copy the chunk that was looked up, to the place of the one that was given up last; the thread's batch may be
    /// empty. A barrier must stand before it. What appended rows hold comes later (<see cref="Complete"/>): their slots are
    /// copied as well, so that no copy waits for an answer, and what arrives from there may be anything.
    /// </summary>
    public void Order(in QueryTile tile, in ChunkWalk walk, in AppendedRows appended)
    {
        var found = 0;
        if (walk.Leader >= 0)
        {
            var length = tile.LengthOf(walk.Leader);
            var position = FirstOfWarp(walk);
            if (position < length)
            {
                KvStage<TElement, TParts>.Copy(_ring, _freeSlot, _own, _cache, _geometry, tile.KvHead, _kvSlot);
                if (appended.MayHold(position, length))
                {
                    found = appended.Find(_kvSlot);
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
        if (_depth == 3)
        {
            SharedCopy.WaitForAllBut2();
        }
        else if (_depth > 1)
        {
            SharedCopy.WaitForAllBut(_depth - 1);
        }
        else
        {
            SharedCopy.WaitForAll();
        }

        var length = tile.LengthOf(walk.Leader);
        var position = FirstOfWarp(walk);
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
    public readonly int KeyPlaceAddress => _own + (_slot * KvStage<TElement, TParts>.Loads - Group.IdxX) * LoadBytes;

    private readonly int Following(int slot) => slot + 1 < _depth ? slot + 1 : 0;

    private static int FirstOfWarp(in ChunkWalk walk) =>
        walk.Start + (Group.IdxX >> 5) * SplitAttentionKernel.TileLength;
}
