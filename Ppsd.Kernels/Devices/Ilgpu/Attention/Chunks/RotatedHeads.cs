using ILGPU;
using ILGPU.Algorithms;
using Ppsd.Kernels.Devices.Ilgpu.Attention.KvCache;
using Ppsd.Kernels.Devices.Ilgpu.Attention.Tiling;
using Ppsd.Kernels.Devices.Ilgpu.Lane;

namespace Ppsd.Kernels.Devices.Ilgpu.Attention.Chunks;

/// <summary>
/// Writes a group's queries to shared memory, rotated and split in two bf16 parts, together with the keys and values
/// that the step appends to the group's key/value head, in the cache's format. A thread takes one pair of a head.
/// </summary>
internal static class RotatedHeads
{
    // Heads of up to 128 values; shifts, because divisions are slow on a card.
    private const int PairShift = 6;
    private const int HeadsPerRound = AttentionTiling.GroupSize >> PairShift;
    private const int Queries = AttentionGeometry.TileColumns;

    /// <summary>Writes zeros, which remain past a head's end. A barrier must follow.</summary>
    public static void Clear(in AttentionShared shared)
    {
        for (var i = Group.IdxX; i < shared.Queries.IntLength; i += AttentionTiling.GroupSize)
        {
            shared.Queries[i] = new UInt4();
        }

        for (var i = Group.IdxX; i < shared.Appended.IntLength; i += AttentionTiling.GroupSize)
        {
            shared.Appended[i] = new UInt4();
        }
    }

    /// <summary>Loads, rotates and stores; a barrier must follow.</summary>
    /// <param name="source">The step's queries, keys and values.</param>
    /// <param name="tile">The group's queries.</param>
    /// <param name="appended">The rows whose keys and values are staged too.</param>
    /// <param name="geometry">Heads and their sizes.</param>
    /// <param name="shared">Receives them.</param>
    public static void Stage<TElement, TParts>(
        in AttentionSource source,
        in QueryTile tile,
        in AppendedRows appended,
        in AttentionGeometry geometry,
        in AttentionShared shared
    )
        where TElement : struct, IKvEights
        where TParts : struct, IHeadParts
    {
        // Three heads are loaded before the first is rotated: a decode step of one or two rows has no more.
        var end = Queries + 2 * appended.Count;
        for (var head = Group.IdxX >> PairShift; head < end; head += 3 * HeadsPerRound)
        {
            var first = Load(head, source, tile, appended, geometry);
            var second = Load(head + HeadsPerRound, source, tile, appended, geometry);
            var third = Load(head + 2 * HeadsPerRound, source, tile, appended, geometry);
            Warp.Barrier();
            Store<TElement, TParts>(head, first, tile, appended, geometry, shared);
            Store<TElement, TParts>(head + HeadsPerRound, second, tile, appended, geometry, shared);
            Store<TElement, TParts>(head + 2 * HeadsPerRound, third, tile, appended, geometry, shared);
        }
    }

    /// <summary>Writes the appended keys and values to the rows' slots, a warp a row.</summary>
    public static void Append<TElement, TParts>(
        in KvCacheView cache,
        in QueryTile tile,
        in AppendedRows appended,
        in AttentionGeometry geometry,
        in AttentionShared shared
    )
        where TElement : struct, IKvEights
        where TParts : struct, IHeadParts
    {
        var row = Group.IdxX >> 5;
        var slot = appended.SlotOf(row);
        if (row >= appended.Count)
        {
            return;
        }

        var to = geometry.CacheIndex(slot, tile.KvHead) * TElement.Loads;
        var key = AttentionShared.AppendedAt<TElement, TParts>(row, isValue: 0);
        var value = AttentionShared.AppendedAt<TElement, TParts>(row, isValue: 1);
        for (var load = Warp.LaneIdx; load < geometry.HeadEights * TElement.Loads; load += GroupSum.WarpSize)
        {
            cache.Keys[to + load] = shared.Appended[key + load];
            cache.Values[to + load] = shared.Appended[value + load];
        }
    }

    /// <summary>
    /// Loads a pair and its angle: of a column's query, or of an appended key, or value. Where there is none, another
    /// pair is loaded, because branches would serialize the loads.
    /// </summary>
    private static RotatedPair Load(
        int head,
        in AttentionSource source,
        in QueryTile tile,
        in AppendedRows appended,
        in AttentionGeometry geometry
    )
    {
        var column = head < Queries && tile.IsLive(head) ? head : 0;
        var key = XMath.Clamp(head - Queries, 0, XMath.Max(2 * appended.Count - 1, 0));
        var isValue = key >= appended.Count && appended.Count > 0;
        var appendedRow = isValue ? key - appended.Count : key;
        var isQuery = head < Queries || appended.Count == 0;
        var queryPosition = tile.PositionOf(tile.RowOf(column));
        var appendedPosition = appended.PositionOf(appendedRow);
        var row = isQuery ? tile.FirstRow + tile.RowOf(column) : appendedRow;
        var keyHead = geometry.Heads + (isValue ? geometry.KvHeads : 0) + tile.KvHead;
        var sourceHead = isQuery ? tile.HeadOf(column) : keyHead;
        var half = geometry.HeadSize >> 1;
        var pair = XMath.Min(Group.IdxX & ((1 << PairShift) - 1), half - 1);
        var at = (long)row * source.Stride + sourceHead * geometry.HeadSize + pair;
        var angle = (long)(isQuery ? queryPosition : appendedPosition) * half + pair;
        return new RotatedPair
        {
            First = source.QueryKeyValue[at],
            Second = source.QueryKeyValue[at + half],
            Cosine = source.Cosines[angle],
            Sine = source.Sines[angle],
        };
    }

    private static void Store<TElement, TParts>(
        int head,
        in RotatedPair pair,
        in QueryTile tile,
        in AppendedRows appended,
        in AttentionGeometry geometry,
        in AttentionShared shared
    )
        where TElement : struct, IKvEights
        where TParts : struct, IHeadParts
    {
        var half = geometry.HeadSize >> 1;
        var i = Group.IdxX & ((1 << PairShift) - 1);
        if (i >= half || head >= Queries + 2 * appended.Count)
        {
            return;
        }

        var plain = new RotaryPair { First = pair.First, Second = pair.Second };
        var turned = plain.Turned(pair.Cosine, pair.Sine);
        if (head < Queries)
        {
            if (tile.IsLive(head))
            {
                var size = TParts.Count * HeadPart.Size;
                var at = AttentionShared.QueryAt(head, 0) * 8 + i;
                StoreQuery(shared.Queries, at, size, turned.First);
                StoreQuery(shared.Queries, at + half, size, turned.Second);
            }

            return;
        }

        var isValue = head - Queries >= appended.Count ? 1 : 0;
        var row = head - Queries - isValue * appended.Count;
        var element = AttentionShared.AppendedAt<TElement, TParts>(row, isValue) * (8 / TElement.Loads) + i;
        TElement.Store(shared.Appended, element, isValue > 0 ? pair.First : turned.First);
        TElement.Store(shared.Appended, element + half, isValue > 0 ? pair.Second : turned.Second);
    }

    /// <summary>Stores a value of a query in two bf16 parts.</summary>
    /// <param name="at">Where its first part stands, in values.</param>
    /// <param name="size">Values from there to its second part.</param>
    public static void StoreQuery(ArrayView<UInt4> queries, int at, int size, float value)
    {
        var high = DeviceBFloat16.FromSingle(value);
        var parts = queries.Cast<ushort>();
        parts[at] = high;
        parts[at + size] = DeviceBFloat16.FromSingle(value - DeviceBFloat16.ToSingle(high));
    }

    /// <summary>A pair as loaded.</summary>
    private struct RotatedPair
    {
        public float First;
        public float Second;
        public float Cosine;
        public float Sine;
    }
}
