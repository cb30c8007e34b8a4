using ILGPU;
using ILGPU.Algorithms;

namespace Ppsd.Kernels.Devices.Ilgpu;

/// <summary>
/// One chunk of positions for the rows that read it together: scores, their maximum, weights and weighted values, on
/// tensor cores. A warp takes sixteen positions; its warps' sums are added in the order of the warps.
/// </summary>
internal static class AttentionChunk
{
    private const int Columns = AttentionGeometry.TileColumns;
    private const int WarpCount = SplitAttentionKernel.WarpCount;

    /// <summary>Attends to a chunk that has arrived; barriers stand between its steps and must stand after it.</summary>
    /// <param name="cache">Keys and values; the memory of the keys is used up.</param>
    /// <param name="shared">Queries, and room for the warps' totals.</param>
    /// <param name="tile">The group's queries.</param>
    /// <param name="walk">The chunk, and the rows that read it.</param>
    /// <param name="geometry">How the work is cut.</param>
    /// <param name="tiles">Sums.</param>
    /// <param name="launchRow">The tile's first row, from the launch's first.</param>
    /// <param name="partials">Receives the results.</param>
    public static void Attend<TElement, TParts>(
        in KvRing<TElement, TParts> cache,
        in AttentionShared shared,
        in QueryTile tile,
        in ChunkWalk walk,
        in AttentionGeometry geometry,
        ref FourTiles tiles,
        int launchRow,
        in AttentionPartials partials
    )
        where TElement : struct, IKvEights
        where TParts : struct, IHeadParts
    {
        var lane = Warp.LaneIdx;
        var warp = Group.IdxX >> 5;
        var column = lane >> 2;
        var columnRow = tile.RowOf(column);
        var columnLength = tile.LengthOf(columnRow);
        var leaderLength = tile.LengthOf(walk.Leader);
        var isServed = tile.IsLive(column) && columnRow >= walk.Member && columnRow <= walk.Leader;
        var limit = isServed ? columnLength : 0;
        var liveWarps = XMath.Min(
            (leaderLength - walk.Start + SplitAttentionKernel.TileLength - 1) >> SplitAttentionKernel.TileShift,
            WarpCount
        );
        var isLive = warp < liveWarps;
        if (isLive)
        {
            tiles.Clear();
            cache.Keys(0).AddScores<TElement>(Query<TParts>(shared.Queries, lane, 0), ref tiles);
            if (TParts.Count > 1)
            {
                cache.Keys(1).AddScores<TElement>(Query<TParts>(shared.Queries, lane, 1), ref tiles);
            }
        }

        // A warp past the context's end holds anything; none of its positions is below the limit.
        var product0 = tiles.Score(0) * geometry.Scale;
        var product1 = tiles.Score(1) * geometry.Scale;
        var product8 = tiles.Score(2) * geometry.Scale;
        var product9 = tiles.Score(3) * geometry.Scale;
        var position = walk.Start + warp * SplitAttentionKernel.TileLength + (lane & 3) * 2;
        var score0 = position < limit ? product0 : float.NegativeInfinity;
        var score1 = position + 1 < limit ? product1 : float.NegativeInfinity;
        var score8 = position + 8 < limit ? product8 : float.NegativeInfinity;
        var score9 = position + 9 < limit ? product9 : float.NegativeInfinity;
        var largest = XMath.Max(XMath.Max(score0, score1), XMath.Max(score8, score9));
        largest = XMath.Max(largest, Warp.ShuffleXor(largest, 1));
        largest = XMath.Max(largest, Warp.ShuffleXor(largest, 2));
        shared.Maxima[column * WarpCount + warp] = largest;

        // All warps have read this chunk's keys: their place takes the weighted values.
        Group.Barrier();
        var max = shared.MaxOf(column);
        var weight0 = XMath.Exp2(score0 - max);
        var weight1 = XMath.Exp2(score1 - max);
        var weight8 = XMath.Exp2(score8 - max);
        var weight9 = XMath.Exp2(score9 - max);
        var sum = weight0 + weight1 + (weight8 + weight9);
        sum += Warp.ShuffleXor(sum, 1);
        sum += Warp.ShuffleXor(sum, 2);
        shared.Sums[column * WarpCount + warp] = sum;

        var weights = new WeightPart();
        weights.High0 = BFloat16.Pack(weight0, weight1);
        weights.High8 = BFloat16.Pack(weight8, weight9);
        weights.Low0 = BFloat16.PackRest(weight0, weight1, weights.High0);
        weights.Low8 = BFloat16.PackRest(weight8, weight9, weights.High8);
        AddValues<TElement, TParts>(ref tiles, cache, weights, isLive, 0);
        if (TParts.Count > 1)
        {
            AddValues<TElement, TParts>(ref tiles, cache, weights, isLive, 1);
        }

        Group.Barrier();
        Join<TParts>(shared, tile, walk, geometry, cache.KeyPlace, launchRow, partials);
    }

    private static QueryPart Query<TParts>(ArrayView<UInt4> queries, int lane, int part)
        where TParts : struct, IHeadParts
    {
        var high = AttentionShared.QueryAt(lane >> 2, part * HeadPart.EightCount + (lane & 3));
        var low = high + TParts.Count * HeadPart.EightCount;
        return new QueryPart
        {
            High0 = queries[high],
            High1 = queries[high + 4],
            Low0 = queries[low],
            Low1 = queries[low + 4],
        };
    }

    /// <summary>
    /// Writes a warp's weighted values of 64 of a head, [warp, column, place], zeros past the context's end; see
    /// <see cref="FourChunks.FirstValue"/> for the places.
    /// </summary>
    private static void AddValues<TElement, TParts>(
        ref FourTiles tiles,
        in KvRing<TElement, TParts> cache,
        in WeightPart weights,
        bool isLive,
        int part
    )
        where TElement : struct, IKvEights
        where TParts : struct, IHeadParts
    {
        tiles.Clear();
        if (isLive)
        {
            OutputPart.Add<TElement>(ref tiles, cache.Values(part), weights);
        }

        var lane = Warp.LaneIdx;
        var loads = TParts.Count * HeadPart.Size / 4;
        var column = (lane & 3) * 2;
        var place = Swizzled(part * HeadPart.EightCount + (lane >> 2), column);
        var at = ((Group.IdxX >> 5) * Columns + column) * loads + place;
        tiles.Store(cache.KeyPlace, cache.KeyPlaceAddress, at, at + loads, loads >> 1);
    }

    /// <summary>
    /// Where a place of a column stands: what eight lanes write at once, two places of four columns, lies in all banks.
    /// Columns c and c + 1 are alike.
    /// </summary>
    private static int Swizzled(int place, int column) => place ^ (column & 6);

    /// <summary>Adds the warps' sums, each thread four values of a column, and leaves them for the merge.</summary>
    private static void Join<TParts>(
        in AttentionShared shared,
        in QueryTile tile,
        in ChunkWalk walk,
        in AttentionGeometry geometry,
        ArrayView<Float4> weighted,
        int launchRow,
        in AttentionPartials partials
    )
        where TParts : struct, IHeadParts
    {
        var loads = TParts.Count * HeadPart.Size / 4;
        var column = Group.IdxX >> (TParts.Count > 1 ? 5 : 4);
        var load = Group.IdxX & (loads - 1);
        var row = tile.RowOf(column);
        var length = tile.LengthOf(row);
        var isServed = column < Columns && tile.IsLive(column) && row >= walk.Member && row <= walk.Leader;
        if (!isServed || length <= walk.Start)
        {
            return;
        }

        var value = new Float4();
        var place = column * loads + Swizzled(load, column);
        var step = Columns * loads;
        Add(weighted[place], ref value);
        Add(weighted[place + step], ref value);
        Add(weighted[place + 2 * step], ref value);
        Add(weighted[place + 3 * step], ref value);
        Add(weighted[place + 4 * step], ref value);
        Add(weighted[place + 5 * step], ref value);
        Add(weighted[place + 6 * step], ref value);
        Add(weighted[place + 7 * step], ref value);
        var total = new SoftmaxTotal { Max = shared.MaxOf(column), Sum = shared.SumOf(column) };
        var at =
            ((long)(launchRow + row) * geometry.Heads + tile.HeadOf(column)) * geometry.Chunks
            + (walk.Start >> SplitAttentionKernel.ChunkShift);
        partials.Weighted[at * loads + load] = value;
        if (load == 0)
        {
            partials.Totals[at] = total;
        }
    }

    private static void Add(in Float4 part, ref Float4 value)
    {
        value.X += part.X;
        value.Y += part.Y;
        value.Z += part.Z;
        value.W += part.W;
    }
}
