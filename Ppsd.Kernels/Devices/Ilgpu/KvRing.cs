using ILGPU;
using ILGPU.Algorithms;
using ILGPU.Runtime.Cuda;

namespace Ppsd.Kernels.Devices.Ilgpu;

/// <summary>
/// Keys and values of the warps' tiles of positions on their way through dynamic shared memory. A thread copies what it
/// will multiply itself, so that no thread waits for another. A stage is [keys then values, part, eight, load, thread].
/// </summary>
/// <typeparam name="TElement">How the cache is read.</typeparam>
/// <typeparam name="TParts">Size of a head.</typeparam>
internal struct KvRing<TElement, TParts>
    where TElement : struct, IKvEights
    where TParts : struct, IHeadParts
{
    /// <summary>Stages at most: two chunks on the way while one is multiplied.</summary>
    public const int MaxStageCount = 3;

    private const int LoadBytes = 16;
    private const int EightsPerLane = 4;
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

    /// <summary>Loads of shared memory that a stage takes.</summary>
    public static int StageLoads => 2 * TParts.Count * EightsPerLane * EightLoads;

    // From one eight of a thread to its next.
    private static int EightLoads => TElement.Loads * SplitAttentionKernel.GroupSize;

    private static int EightBytes => TElement.Loads * LoadBytes;

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
            _own = RingStage.Start() + Group.IdxX * LoadBytes,
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
    /// must stand before it, and its slots must have been looked up. What appended rows hold comes later (<see cref="Complete"/>): their slots are copied as well,
    /// so that no copy waits for an answer, and what arrives from there may be anything.
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
                Copy(_lookedUp, tile.KvHead);
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
            SharedCopy.WaitForAllBut(2);
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
            PutAppended(held);
        }
    }

    /// <summary>Gives up the oldest chunk; all warps must have finished with it before the next <see cref="Order"/>.</summary>
    public void Release() => _slot = Following(_slot);

    /// <summary>Keys that have arrived: positions lane / 4 and 8 + lane / 4, eights lane % 4 and 4 + lane % 4 of a part.</summary>
    public readonly KeyPart Keys(int part)
    {
        var at = At(part);
        return new KeyPart
        {
            First0 = Read(at),
            First1 = Read(at + EightLoads),
            Second0 = Read(at + 2 * EightLoads),
            Second1 = Read(at + 3 * EightLoads),
        };
    }

    /// <summary>Values that have arrived: eight lane / 4 of a part, positions c, c + 1, c + 8 and c + 9.</summary>
    public readonly ValuePart Values(int part)
    {
        var at = At(TParts.Count + part);
        return new ValuePart
        {
            P0 = Read(at),
            P1 = Read(at + EightLoads),
            P8 = Read(at + 2 * EightLoads),
            P9 = Read(at + 3 * EightLoads),
        };
    }

    /// <summary>The memory of the oldest chunk's keys, for whoever has read them: four values a load.</summary>
    public readonly ArrayView<Float4> KeyPlace =>
        _ring.SubView(_slot * StageLoads, TParts.Count * EightsPerLane * EightLoads).Cast<Float4>();

    /// <summary>Where <see cref="KeyPlace"/> lies on a card.</summary>
    public readonly int KeyPlaceAddress => _own - Group.IdxX * LoadBytes + _slot * StageLoads * LoadBytes;

    private readonly int Following(int slot) => slot + 1 < _depth ? slot + 1 : 0;

    private readonly int At(int block) => _slot * StageLoads + block * EightsPerLane * EightLoads + Group.IdxX;

    private readonly KvEight Read(int at) =>
        TElement.Loads > 1
            ? TElement.Unpack(_ring[at], _ring[at + SplitAttentionKernel.GroupSize])
            : TElement.Unpack(_ring[at], default);

    /// <summary>The slot of the lane's position of a warp's sixteen; past the context's end its last slot again.</summary>
    private static int SlotOfLane(RowContexts rows, in RowContext context, int position)
    {
        var own = position + (Warp.LaneIdx & (SplitAttentionKernel.TileLength - 1));
        return rows.Words[context.SlotWord(XMath.Min(own, context.Length - 1))];
    }

    private readonly void PutAppended(ArrayView<UInt4> held)
    {
        var lane = Warp.LaneIdx;
        var found = (_found >> (FoundBits * (_depth - 1))) & ((1 << FoundBits) - 1);
        var c = (lane & 3) * 2;
        var first = Warp.Shuffle(found, lane >> 2);
        var second = Warp.Shuffle(found, (lane >> 2) + 8);
        var p0 = Warp.Shuffle(found, c);
        var p1 = Warp.Shuffle(found, c + 1);
        var p8 = Warp.Shuffle(found, c + 8);
        var p9 = Warp.Shuffle(found, c + 9);
        PutPart(held, 0, first, second, p0, p1, p8, p9);
        if (TParts.Count > 1)
        {
            PutPart(held, 1, first, second, p0, p1, p8, p9);
        }
    }

    private readonly void PutPart(
        ArrayView<UInt4> held,
        int part,
        int first,
        int second,
        int p0,
        int p1,
        int p8,
        int p9
    )
    {
        // Where no row holds a position the first row's are loaded and dropped: loads must not wait for each other.
        var near = part * HeadPart.EightCount + (Warp.LaneIdx & 3);
        var eight = part * HeadPart.EightCount + (Warp.LaneIdx >> 2);
        var key0 = Held(held, first, 0, near);
        var key1 = Held(held, first, 0, near + 4);
        var key2 = Held(held, second, 0, near);
        var key3 = Held(held, second, 0, near + 4);
        var value0 = Held(held, p0, 1, eight);
        var value1 = Held(held, p1, 1, eight);
        var value2 = Held(held, p8, 1, eight);
        var value3 = Held(held, p9, 1, eight);
        Warp.Barrier();
        var keys = At(part);
        Put(keys, key0, first);
        Put(keys + EightLoads, key1, first);
        Put(keys + 2 * EightLoads, key2, second);
        Put(keys + 3 * EightLoads, key3, second);
        var values = At(TParts.Count + part);
        Put(values, value0, p0);
        Put(values + EightLoads, value1, p1);
        Put(values + 2 * EightLoads, value2, p8);
        Put(values + 3 * EightLoads, value3, p9);
    }

    private static EightLoaded Held(ArrayView<UInt4> held, int found, int isValue, int eight)
    {
        var at =
            AttentionShared.AppendedAt<TElement, TParts>(XMath.Max(found - 1, 0), isValue) + eight * TElement.Loads;
        var loaded = new EightLoaded { First = held[at] };
        if (TElement.Loads > 1)
        {
            loaded.Second = held[at + 1];
        }

        return loaded;
    }

    private readonly void Put(int to, in EightLoaded loaded, int found)
    {
        if (found == 0)
        {
            return;
        }

        _ring[to] = loaded.First;
        if (TElement.Loads > 1)
        {
            _ring[to + SplitAttentionKernel.GroupSize] = loaded.Second;
        }
    }

    /// <summary>Begins to copy a warp's sixteen positions, whose slots its lanes know.</summary>
    private readonly void Copy(int slot, int kvHead)
    {
        var lane = Warp.LaneIdx;
        var index = _geometry.CacheIndex(slot, kvHead) * EightBytes;
        var c = (lane & 3) * 2;
        var key = _cache.KeyAddress + (lane & 3) * EightBytes;
        var value = _cache.ValueAddress + (lane >> 2) * EightBytes;
        var first = key + Warp.Shuffle(index, lane >> 2);
        var second = key + Warp.Shuffle(index, (lane >> 2) + 8);
        var p0 = value + Warp.Shuffle(index, c);
        var p1 = value + Warp.Shuffle(index, c + 1);
        var p8 = value + Warp.Shuffle(index, c + 8);
        var p9 = value + Warp.Shuffle(index, c + 9);
        var to = _own + _freeSlot * StageLoads * LoadBytes;
        if (_geometry.HeadEights == TParts.Count * HeadPart.EightCount)
        {
            CopyKeys(to, first, second, 0, 0, 4);
            CopyValues(to, p0, p1, p8, p9, 0, 0);
            if (TParts.Count > 1)
            {
                CopyKeys(to, first, second, 1, 8, 12);
                CopyValues(to, p0, p1, p8, p9, 1, 8);
            }

            return;
        }

        // Past a short head its last eight is copied again: the query's values there are zeros, and nobody reads the
        // outputs.
        var last = _geometry.HeadEights - 1;
        var k = lane & 3;
        var v = lane >> 2;
        CopyKeys(to, first, second, 0, XMath.Min(k, last) - k, XMath.Min(k + 4, last) - k);
        CopyValues(to, p0, p1, p8, p9, 0, XMath.Min(v, last) - v);
        if (TParts.Count > 1)
        {
            CopyKeys(to, first, second, 1, XMath.Min(k + 8, last) - k, XMath.Min(k + 12, last) - k);
            CopyValues(to, p0, p1, p8, p9, 1, XMath.Min(v + 8, last) - v);
        }
    }

    private readonly void CopyKeys(int to, long first, long second, int part, int near, int far)
    {
        var at = to + part * EightsPerLane * EightLoads * LoadBytes;
        CopyEight(at, 0, _cache.Keys, first + near * EightBytes);
        CopyEight(at, 1, _cache.Keys, first + far * EightBytes);
        CopyEight(at, 2, _cache.Keys, second + near * EightBytes);
        CopyEight(at, 3, _cache.Keys, second + far * EightBytes);
    }

    private readonly void CopyValues(int to, long p0, long p1, long p8, long p9, int part, int eight)
    {
        var at = to + (TParts.Count + part) * EightsPerLane * EightLoads * LoadBytes;
        CopyEight(at, 0, _cache.Values, p0 + eight * EightBytes);
        CopyEight(at, 1, _cache.Values, p1 + eight * EightBytes);
        CopyEight(at, 2, _cache.Values, p8 + eight * EightBytes);
        CopyEight(at, 3, _cache.Values, p9 + eight * EightBytes);
    }

    private readonly void CopyEight(int to, int eight, ArrayView<UInt4> source, long from)
    {
        CopyLoad(to + eight * EightLoads * LoadBytes, source, from);
        if (TElement.Loads > 1)
        {
            CopyLoad(to + (eight * EightLoads + SplitAttentionKernel.GroupSize) * LoadBytes, source, from + LoadBytes);
        }
    }

    /// <param name="to">Address on a card; on the simulator bytes from the thread's first load.</param>
    /// <param name="source">Keys or values.</param>
    /// <param name="from">Address on a card; on the simulator bytes from the source's beginning.</param>
    private readonly void CopyLoad(int to, ArrayView<UInt4> source, long from)
    {
        if (CudaAsm.IsSupported)
        {
            CudaAsm.Emit("cp.async.cg.shared.global [%0], [%1], 16;", to, from);
            return;
        }

        _ring[Group.IdxX + to / LoadBytes] = source[from / LoadBytes];
    }

    /// <summary>Eight keys or values as the cache has them.</summary>
    private struct EightLoaded
    {
        public UInt4 First;
        public UInt4 Second;
    }
}
