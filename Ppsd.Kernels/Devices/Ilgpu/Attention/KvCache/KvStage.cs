using ILGPU;
using ILGPU.Algorithms;
using ILGPU.Runtime.Cuda;
using Ppsd.Kernels.Devices.Ilgpu.Attention.Tiling;
using Ppsd.Kernels.Devices.Ilgpu.Lane;

namespace Ppsd.Kernels.Devices.Ilgpu.Attention.KvCache;

/// <summary>
/// A stage of <see cref="KvRing{TElement, TParts}"/>: keys and values of a chunk, [keys then values, part, eight, load,
/// thread]. A thread copies what it will multiply itself, so that no thread waits for another.
/// </summary>
/// <typeparam name="TElement">How the cache is read.</typeparam>
/// <typeparam name="TParts">Size of a head.</typeparam>
internal static class KvStage<TElement, TParts>
    where TElement : struct, IKvEights
    where TParts : struct, IHeadParts
{
    private const int EightsPerLane = 4;

    /// <summary>Loads of shared memory that a stage takes.</summary>
    public static int Loads => 2 * KeyLoads;

    /// <summary>Loads that its keys take, which come first.</summary>
    public static int KeyLoads => TParts.Count * PartLoads;

    private static int PartLoads => EightsPerLane * EightLoads;

    // From one eight of a thread to its next.
    private static int EightLoads => TElement.Loads * AttentionTiling.GroupSize;

    private static int EightBytes => TElement.Loads * SharedCopy.LoadBytes;

    /// <summary>Begins to copy the keys of a warp's sixteen positions, whose slots its lanes know.</summary>
    /// <param name="stage">Stage of the ring.</param>
    /// <param name="own">Address of the thread's first load on a card, 0 on the simulator.</param>
    /// <param name="cache">Keys and values.</param>
    /// <param name="geometry">How they lie there.</param>
    /// <param name="slot">The lane's slot: lanes 0 to 15 know one each, the others the same again.</param>
    public static void CopyKeys(
        ArrayView<UInt4> ring,
        int stage,
        int own,
        in KvCacheView cache,
        in AttentionGeometry geometry,
        int kvHead,
        int slot
    )
    {
        var lane = Warp.LaneIdx;
        var index = geometry.CacheIndex(slot, kvHead) * EightBytes;
        var key = cache.KeyAddress + (lane & 3) * EightBytes;
        var first = key + Warp.Shuffle(index, lane >> 2);
        var second = key + Warp.Shuffle(index, (lane >> 2) + 8);
        var to = own + stage * Loads * SharedCopy.LoadBytes;
        if (geometry.HeadEights == TParts.Count * HeadPart.EightCount)
        {
            CopyKeys(ring, to, cache.Keys, first, second, 0, 0, 4);
            if (TParts.Count > 1)
            {
                CopyKeys(ring, to, cache.Keys, first, second, 1, 8, 12);
            }

            return;
        }

        // Past a short head its last eight is copied again: the query's values there are zeros.
        var last = geometry.HeadEights - 1;
        var k = lane & 3;
        CopyKeys(ring, to, cache.Keys, first, second, 0, XMath.Min(k, last) - k, XMath.Min(k + 4, last) - k);
        if (TParts.Count > 1)
        {
            CopyKeys(ring, to, cache.Keys, first, second, 1, XMath.Min(k + 8, last) - k, XMath.Min(k + 12, last) - k);
        }
    }

    /// <summary>Begins to copy their values.</summary>
    /// <inheritdoc cref="CopyKeys(ArrayView{UInt4}, int, int, in KvCacheView, in AttentionGeometry, int, int)" />
    public static void CopyValues(
        ArrayView<UInt4> ring,
        int stage,
        int own,
        in KvCacheView cache,
        in AttentionGeometry geometry,
        int kvHead,
        int slot
    )
    {
        var lane = Warp.LaneIdx;
        var index = geometry.CacheIndex(slot, kvHead) * EightBytes;
        var c = (lane & 3) * 2;
        var value = cache.ValueAddress + (lane >> 2) * EightBytes;
        var p0 = value + Warp.Shuffle(index, c);
        var p1 = value + Warp.Shuffle(index, c + 1);
        var p8 = value + Warp.Shuffle(index, c + 8);
        var p9 = value + Warp.Shuffle(index, c + 9);
        var to = own + stage * Loads * SharedCopy.LoadBytes;
        if (geometry.HeadEights == TParts.Count * HeadPart.EightCount)
        {
            CopyValues(ring, to, cache.Values, p0, p1, p8, p9, 0, 0);
            if (TParts.Count > 1)
            {
                CopyValues(ring, to, cache.Values, p0, p1, p8, p9, 1, 8);
            }

            return;
        }

        // Past the end of a short head its last group of eight is copied again; the outputs are not read.
        var last = geometry.HeadEights - 1;
        var v = lane >> 2;
        CopyValues(ring, to, cache.Values, p0, p1, p8, p9, 0, XMath.Min(v, last) - v);
        if (TParts.Count > 1)
        {
            CopyValues(ring, to, cache.Values, p0, p1, p8, p9, 1, XMath.Min(v + 8, last) - v);
        }
    }

    /// <summary>
    /// Puts the keys that appended rows hold in the place of what was copied; threads write only what they will read
    /// themselves.
    /// </summary>
    /// <param name="stage">Stage of the ring.</param>
    /// <param name="held">See <see cref="AttentionShared.Appended"/>.</param>
    /// <param name="found">One more than the row that holds the lane's position, 0 when none does.</param>
    public static void PutKeys(ArrayView<UInt4> ring, int stage, ArrayView<UInt4> held, int found)
    {
        var first = Warp.Shuffle(found, Warp.LaneIdx >> 2);
        var second = Warp.Shuffle(found, (Warp.LaneIdx >> 2) + 8);
        PutKeys(ring, stage, held, 0, first, second);
        if (TParts.Count > 1)
        {
            PutKeys(ring, stage, held, 1, first, second);
        }
    }

    /// <summary>Puts their values there.</summary>
    /// <inheritdoc cref="PutKeys(ArrayView{UInt4}, int, ArrayView{UInt4}, int)" />
    public static void PutValues(ArrayView<UInt4> ring, int stage, ArrayView<UInt4> held, int found)
    {
        var c = (Warp.LaneIdx & 3) * 2;
        var p0 = Warp.Shuffle(found, c);
        var p1 = Warp.Shuffle(found, c + 1);
        var p8 = Warp.Shuffle(found, c + 8);
        var p9 = Warp.Shuffle(found, c + 9);
        PutValues(ring, stage, held, 0, p0, p1, p8, p9);
        if (TParts.Count > 1)
        {
            PutValues(ring, stage, held, 1, p0, p1, p8, p9);
        }
    }

    /// <summary>
    /// Keys that have arrived: positions lane / 4 and 8 + lane / 4, groups of eight lane % 4 and 4 + lane % 4 of a
    /// part.
    /// </summary>
    public static KeyPart Keys(ArrayView<UInt4> ring, int stage, int part) =>
        new()
        {
            First0 = Read(ring, At(stage, part, 0, Group.IdxX)),
            First1 = Read(ring, At(stage, part, 1, Group.IdxX)),
            Second0 = Read(ring, At(stage, part, 2, Group.IdxX)),
            Second1 = Read(ring, At(stage, part, 3, Group.IdxX)),
        };

    /// <summary>Values that have arrived: eight lane / 4 of a part, positions c, c + 1, c + 8 and c + 9.</summary>
    /// <param name="ring">Stages.</param>
    /// <param name="stage">Which of them.</param>
    /// <param name="part">Part of the head.</param>
    /// <param name="thread">The thread that copied them: 32 for each tile of positions.</param>
    public static ValuePart Values(ArrayView<UInt4> ring, int stage, int part, int thread) =>
        new()
        {
            P0 = Read(ring, At(stage, TParts.Count + part, 0, thread)),
            P1 = Read(ring, At(stage, TParts.Count + part, 1, thread)),
            P8 = Read(ring, At(stage, TParts.Count + part, 2, thread)),
            P9 = Read(ring, At(stage, TParts.Count + part, 3, thread)),
        };

    /// <summary>Where a thread's load of a group of eight stands: the first, when there are two.</summary>
    /// <param name="stage">Stage of the ring.</param>
    /// <param name="block">Part of the keys, or behind them of the values.</param>
    /// <param name="eight">Which of the thread's four.</param>
    /// <param name="thread">The thread that copied it.</param>
    public static int At(int stage, int block, int eight, int thread) =>
        stage * Loads + block * PartLoads + eight * EightLoads + thread;

    private static int At(int stage, int block) => At(stage, block, 0, Group.IdxX);

    private static KvEight Read(ArrayView<UInt4> ring, int at) =>
        TElement.Loads > 1
            ? TElement.Unpack(ring[at], ring[at + AttentionTiling.GroupSize])
            : TElement.Unpack(ring[at], default);

    private static void CopyKeys(
        ArrayView<UInt4> ring,
        int to,
        ArrayView<UInt4> keys,
        long first,
        long second,
        int part,
        int near,
        int far
    )
    {
        var at = to + part * PartLoads * SharedCopy.LoadBytes;
        CopyEight(ring, at, 0, keys, first + near * EightBytes);
        CopyEight(ring, at, 1, keys, first + far * EightBytes);
        CopyEight(ring, at, 2, keys, second + near * EightBytes);
        CopyEight(ring, at, 3, keys, second + far * EightBytes);
    }

    private static void CopyValues(
        ArrayView<UInt4> ring,
        int to,
        ArrayView<UInt4> values,
        long p0,
        long p1,
        long p8,
        long p9,
        int part,
        int eight
    )
    {
        var at = to + (TParts.Count + part) * PartLoads * SharedCopy.LoadBytes;
        CopyEight(ring, at, 0, values, p0 + eight * EightBytes);
        CopyEight(ring, at, 1, values, p1 + eight * EightBytes);
        CopyEight(ring, at, 2, values, p8 + eight * EightBytes);
        CopyEight(ring, at, 3, values, p9 + eight * EightBytes);
    }

    private static void CopyEight(ArrayView<UInt4> ring, int to, int eight, ArrayView<UInt4> source, long from)
    {
        CopyLoad(ring, to + eight * EightLoads * SharedCopy.LoadBytes, source, from);
        if (TElement.Loads > 1)
        {
            var second = (eight * EightLoads + AttentionTiling.GroupSize) * SharedCopy.LoadBytes;
            CopyLoad(ring, to + second, source, from + SharedCopy.LoadBytes);
        }
    }

    /// <param name="to">Address on a card; on the simulator bytes from the thread's first load.</param>
    /// <param name="source">Keys or values.</param>
    /// <param name="from">Address on a card; on the simulator bytes from the source's beginning.</param>
    private static void CopyLoad(ArrayView<UInt4> ring, int to, ArrayView<UInt4> source, long from)
    {
        if (CudaAsm.IsSupported)
        {
            CudaAsm.Emit("cp.async.cg.shared.global [%0], [%1], 16;", to, from);
            return;
        }

        ring[Group.IdxX + to / SharedCopy.LoadBytes] = source[from / SharedCopy.LoadBytes];
    }

    private static void PutKeys(
        ArrayView<UInt4> ring,
        int stage,
        ArrayView<UInt4> held,
        int part,
        int first,
        int second
    )
    {
        // Where no row holds a position the first row's are loaded and dropped: loads must not wait for each other.
        var near = part * HeadPart.EightCount + (Warp.LaneIdx & 3);
        var key0 = Held(held, first, 0, near);
        var key1 = Held(held, first, 0, near + 4);
        var key2 = Held(held, second, 0, near);
        var key3 = Held(held, second, 0, near + 4);
        Warp.Barrier();
        var keys = At(stage, part);
        PutEight(ring, keys, key0, first);
        PutEight(ring, keys + EightLoads, key1, first);
        PutEight(ring, keys + 2 * EightLoads, key2, second);
        PutEight(ring, keys + 3 * EightLoads, key3, second);
    }

    private static void PutValues(
        ArrayView<UInt4> ring,
        int stage,
        ArrayView<UInt4> held,
        int part,
        int p0,
        int p1,
        int p8,
        int p9
    )
    {
        var eight = part * HeadPart.EightCount + (Warp.LaneIdx >> 2);
        var value0 = Held(held, p0, 1, eight);
        var value1 = Held(held, p1, 1, eight);
        var value2 = Held(held, p8, 1, eight);
        var value3 = Held(held, p9, 1, eight);
        Warp.Barrier();
        var values = At(stage, TParts.Count + part);
        PutEight(ring, values, value0, p0);
        PutEight(ring, values + EightLoads, value1, p1);
        PutEight(ring, values + 2 * EightLoads, value2, p8);
        PutEight(ring, values + 3 * EightLoads, value3, p9);
    }

    private static LoadedEight Held(ArrayView<UInt4> held, int found, int isValue, int eight)
    {
        var row = XMath.Max(found - 1, 0);
        var at = AttentionShared.AppendedAt<TElement, TParts>(row, isValue) + eight * TElement.Loads;
        var loaded = new LoadedEight { First = held[at] };
        if (TElement.Loads > 1)
        {
            loaded.Second = held[at + 1];
        }

        return loaded;
    }

    private static void PutEight(ArrayView<UInt4> ring, int to, in LoadedEight loaded, int found)
    {
        if (found == 0)
        {
            return;
        }

        ring[to] = loaded.First;
        if (TElement.Loads > 1)
        {
            ring[to + AttentionTiling.GroupSize] = loaded.Second;
        }
    }

    /// <summary>Eight keys or values as the cache has them.</summary>
    private struct LoadedEight
    {
        public UInt4 First;
        public UInt4 Second;
    }
}
