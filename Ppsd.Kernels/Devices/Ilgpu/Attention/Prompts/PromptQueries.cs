using ILGPU;
using ILGPU.Algorithms;
using Ppsd.Kernels.Devices.Ilgpu.Attention.Chunks;
using Ppsd.Kernels.Devices.Ilgpu.Attention.KvCache;
using Ppsd.Kernels.Devices.Ilgpu.Attention.Tiling;
using Ppsd.Kernels.Devices.Ilgpu.Lane;

namespace Ppsd.Kernels.Devices.Ilgpu.Attention.Prompts;

/// <summary>
/// Writes a warp's queries to its shared memory, rotated and split in two bf16 parts; a lane takes two pairs of a head.
/// Bits are those of <see cref="RotatedHeads"/>.
/// </summary>
internal static class PromptQueries
{
    private const int Columns = AttentionGeometry.TileColumns;

    /// <summary>Loads, rotates and stores; a warp barrier must follow.</summary>
    /// <param name="source">The step's queries.</param>
    /// <param name="tile">The warp's queries.</param>
    /// <param name="geometry">Heads and their sizes.</param>
    /// <param name="queries">The warp's shared memory.</param>
    public static void Stage<TParts>(
        in AttentionSource source,
        in QueryTile tile,
        in AttentionGeometry geometry,
        ArrayView<UInt4> queries
    )
        where TParts : struct, IHeadParts
    {
        // Zeros remain past a head's end, and where a column is not a query.
        for (var i = Warp.LaneIdx; i < queries.IntLength; i += GroupSum.WarpSize)
        {
            queries[i] = new UInt4();
        }

        Warp.Barrier();
        if (tile.RowCount == 0)
        {
            return;
        }

        // Four columns are loaded before the first is rotated: a group has the multiprocessor to itself.
        for (var column = 0; column < Columns; column += 4)
        {
            var near0 = Load(column, 0, source, tile, geometry);
            var near1 = Load(column + 1, 0, source, tile, geometry);
            var near2 = Load(column + 2, 0, source, tile, geometry);
            var near3 = Load(column + 3, 0, source, tile, geometry);
            var far0 = Load(column, GroupSum.WarpSize, source, tile, geometry);
            var far1 = Load(column + 1, GroupSum.WarpSize, source, tile, geometry);
            var far2 = Load(column + 2, GroupSum.WarpSize, source, tile, geometry);
            var far3 = Load(column + 3, GroupSum.WarpSize, source, tile, geometry);
            Warp.Barrier();
            Store<TParts>(column, 0, near0, tile, geometry, queries);
            Store<TParts>(column + 1, 0, near1, tile, geometry, queries);
            Store<TParts>(column + 2, 0, near2, tile, geometry, queries);
            Store<TParts>(column + 3, 0, near3, tile, geometry, queries);
            Store<TParts>(column, GroupSum.WarpSize, far0, tile, geometry, queries);
            Store<TParts>(column + 1, GroupSum.WarpSize, far1, tile, geometry, queries);
            Store<TParts>(column + 2, GroupSum.WarpSize, far2, tile, geometry, queries);
            Store<TParts>(column + 3, GroupSum.WarpSize, far3, tile, geometry, queries);
        }
    }

    /// <summary>
    /// Loads a pair of a column and its angle. Where there is none, another pair is loaded, because branches would serialize
    /// the loads.
    /// </summary>
    private static QueryPair Load(
        int column,
        int firstPair,
        in AttentionSource source,
        in QueryTile tile,
        in AttentionGeometry geometry
    )
    {
        var live = tile.IsLive(column) ? column : 0;
        var row = tile.RowOf(live);
        var half = geometry.HeadSize >> 1;
        var pair = XMath.Min(firstPair + Warp.LaneIdx, half - 1);
        var at = (long)(tile.FirstRow + row) * source.Stride + tile.HeadOf(live) * geometry.HeadSize + pair;
        var angle = (long)tile.PositionOf(row) * half + pair;
        return new QueryPair
        {
            First = source.QueryKeyValue[at],
            Second = source.QueryKeyValue[at + half],
            Cosine = source.Cosines[angle],
            Sine = source.Sines[angle],
        };
    }

    private static void Store<TParts>(
        int column,
        int firstPair,
        in QueryPair pair,
        in QueryTile tile,
        in AttentionGeometry geometry,
        ArrayView<UInt4> queries
    )
        where TParts : struct, IHeadParts
    {
        var half = geometry.HeadSize >> 1;
        var i = firstPair + Warp.LaneIdx;
        if (i >= half || !tile.IsLive(column))
        {
            return;
        }

        var rotated = new RotaryPair { First = pair.First, Second = pair.Second }.Turned(pair.Cosine, pair.Sine);
        var size = TParts.Count * HeadPart.Size;
        var at = AttentionShared.QueryAt(column, 0) * ColumnGroups.Size + i;
        RotatedHeads.StoreQuery(queries, at, size, rotated.First);
        RotatedHeads.StoreQuery(queries, at + half, size, rotated.Second);
    }

    /// <summary>A pair as loaded.</summary>
    private struct QueryPair
    {
        public float First;
        public float Second;
        public float Cosine;
        public float Sine;
    }
}
