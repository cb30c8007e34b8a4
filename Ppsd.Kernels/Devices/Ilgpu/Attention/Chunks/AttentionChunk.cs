using ILGPU;
using ILGPU.Algorithms;
using Ppsd.Kernels.Devices.Ilgpu.Attention.KvCache;
using Ppsd.Kernels.Devices.Ilgpu.Attention.Tiling;
using Ppsd.Kernels.Devices.Ilgpu.Lane;

namespace Ppsd.Kernels.Devices.Ilgpu.Attention.Chunks;

/// <summary>
/// One chunk of positions for the rows that read it together: scores, their maximum, weights and weighted values, on
/// tensor cores. A warp takes sixteen positions; the warps' sums are added in the order of the warps.
/// </summary>
/// <remarks>
/// <see cref="Score"/>, a barrier, <see cref="Weigh"/>, AddValues, a barrier, <see cref="Join"/>. The next chunk's first
/// barrier is also the one between a join and the values after it.
/// </remarks>
internal static class AttentionChunk
{
    private const int Columns = AttentionGeometry.TileColumns;
    private const int WarpCount = AttentionTiling.WarpCount;

    /// <summary>Scores of the warp's positions; stores their maxima for all warps; a barrier must follow.</summary>
    /// <param name="cache">Keys that have arrived; their memory is free afterwards.</param>
    /// <param name="shared">Queries, and room for the maxima.</param>
    /// <param name="tile">The group's queries.</param>
    /// <param name="walk">The chunk, and the rows that read it.</param>
    /// <param name="geometry">How the work is cut.</param>
    /// <param name="turn">Alternates between 0 and 1.</param>
    /// <param name="tiles">Sums.</param>
    public static ChunkScores Score<TElement, TParts>(
        in KvRing<TElement, TParts> cache,
        in AttentionShared shared,
        in QueryTile tile,
        in ChunkWalk walk,
        in AttentionGeometry geometry,
        int turn,
        ref AttentionSums tiles
    )
        where TElement : struct, IKvEights
        where TParts : struct, IHeadParts
    {
        var lane = Warp.LaneIdx;
        var warp = Group.IdxX >> 5;
        var column = lane >> 2;
        var columnRow = tile.RowOf(column);
        var columnLength = tile.LengthOf(columnRow);
        var isServed = tile.IsLive(column) && columnRow >= walk.Member && columnRow <= walk.Leader;
        var limit = isServed ? columnLength : 0;
        if (IsLive(tile, walk))
        {
            tiles.Clear();
            cache.Keys(0).AddScores<TElement>(Query<TParts>(shared.Queries, lane, 0), ref tiles);
            if (TParts.Count > 1)
            {
                cache.Keys(1).AddScores<TElement>(Query<TParts>(shared.Queries, lane, 1), ref tiles);
            }
        }

        // A warp past the context's end holds arbitrary data; all its positions are above the limit.
        var product0 = tiles.Score(0) * geometry.Scale;
        var product1 = tiles.Score(1) * geometry.Scale;
        var product8 = tiles.Score(2) * geometry.Scale;
        var product9 = tiles.Score(3) * geometry.Scale;
        var position = walk.Start + warp * AttentionTiling.TileLength + (lane & 3) * 2;
        var scores = new ChunkScores
        {
            P0 = position < limit ? product0 : float.NegativeInfinity,
            P1 = position + 1 < limit ? product1 : float.NegativeInfinity,
            P8 = position + 8 < limit ? product8 : float.NegativeInfinity,
            P9 = position + 9 < limit ? product9 : float.NegativeInfinity,
        };
        var largest = XMath.Max(XMath.Max(scores.P0, scores.P1), XMath.Max(scores.P8, scores.P9));
        largest = XMath.Max(largest, Warp.ShuffleXor(largest, 1));
        largest = XMath.Max(largest, Warp.ShuffleXor(largest, 2));
        shared.SetMax(turn, column, warp, largest);
        return scores;
    }

    /// <summary>Weights of the warp's positions; stores their sums for all warps.</summary>
    /// <param name="shared">Maxima, and room for the sums.</param>
    /// <param name="scores">From <see cref="Score"/>.</param>
    /// <param name="turn">The value given to it.</param>
    public static WeightPart Weigh(in AttentionShared shared, in ChunkScores scores, int turn)
    {
        var column = Warp.LaneIdx >> 2;
        var max = shared.MaxOf(turn, column);
        var weight0 = XMath.Exp2(scores.P0 - max);
        var weight1 = XMath.Exp2(scores.P1 - max);
        var weight8 = XMath.Exp2(scores.P8 - max);
        var weight9 = XMath.Exp2(scores.P9 - max);
        var sum = weight0 + weight1 + (weight8 + weight9);
        sum += Warp.ShuffleXor(sum, 1);
        sum += Warp.ShuffleXor(sum, 2);
        shared.Sums[column * WarpCount + (Group.IdxX >> 5)] = sum;

        return Pack(weight0, weight1, weight8, weight9);
    }

    /// <summary>Weights of positions c, c + 1, c + 8 and c + 9 as a tensor core takes them, in two bf16 parts.</summary>
    public static WeightPart Pack(float weight0, float weight1, float weight8, float weight9)
    {
        var weights = new WeightPart();
        weights.High0 = DeviceBFloat16.Pack(weight0, weight1);
        weights.High8 = DeviceBFloat16.Pack(weight8, weight9);
        weights.Low0 = DeviceBFloat16.PackRest(weight0, weight1, weights.High0);
        weights.Low8 = DeviceBFloat16.PackRest(weight8, weight9, weights.High8);
        return weights;
    }

    /// <summary>Stores the warp's weighted values for <see cref="Join"/>; a barrier must follow.</summary>
    /// <param name="cache">Values that have arrived; their memory is free afterwards.</param>
    /// <param name="shared">Room for the results.</param>
    /// <param name="tile">The group's queries.</param>
    /// <param name="weights">From <see cref="Weigh"/>.</param>
    /// <param name="tiles">Sums.</param>
    public static void AddValues<TElement, TParts>(
        in KvRing<TElement, TParts> cache,
        in AttentionShared shared,
        in QueryTile tile,
        in ChunkWalk walk,
        in WeightPart weights,
        ref AttentionSums tiles
    )
        where TElement : struct, IKvEights
        where TParts : struct, IHeadParts
    {
        var isLive = IsLive(tile, walk);
        AddValues<TElement, TParts>(ref tiles, cache, shared, weights, isLive, 0);
        if (TParts.Count > 1)
        {
            AddValues<TElement, TParts>(ref tiles, cache, shared, weights, isLive, 1);
        }
    }

    /// <summary>True when a position of the warp is one of the chunk's.</summary>
    private static bool IsLive(in QueryTile tile, in ChunkWalk walk) =>
        walk.Start + (Group.IdxX >> 5) * AttentionTiling.TileLength < tile.LengthOf(walk.Leader);

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
    /// <see cref="ChunkQuad.FirstValue"/> for the places.
    /// </summary>
    private static void AddValues<TElement, TParts>(
        ref AttentionSums tiles,
        in KvRing<TElement, TParts> cache,
        in AttentionShared shared,
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
        tiles.Store(shared.Weighted, shared.WeightedAddress, at, at + loads, loads >> 1);
    }

    /// <summary>
    /// Where a place of a column stands: what eight lanes write at once, two places of four columns, lies in all banks.
    /// Columns c and c + 1 are alike.
    /// </summary>
    private static int Swizzled(int place, int column) => place ^ (column & 6);

    /// <summary>Adds the warps' sums, each thread four values of a column, and stores them for the merge.</summary>
    /// <param name="shared">Maxima, sums and weighted values of all warps.</param>
    /// <param name="tile">The group's queries.</param>
    /// <param name="walk">The chunk, and the rows that read it.</param>
    /// <param name="geometry">How the work is cut.</param>
    /// <param name="turn">The value given to <see cref="Score"/>.</param>
    /// <param name="launchRow">The tile's first row, from the launch's first.</param>
    /// <param name="partials">Receives the results.</param>
    public static void Join<TParts>(
        in AttentionShared shared,
        in QueryTile tile,
        in ChunkWalk walk,
        in AttentionGeometry geometry,
        int turn,
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
        Add(shared.Weighted[place], ref value);
        Add(shared.Weighted[place + step], ref value);
        Add(shared.Weighted[place + 2 * step], ref value);
        Add(shared.Weighted[place + 3 * step], ref value);
        Add(shared.Weighted[place + 4 * step], ref value);
        Add(shared.Weighted[place + 5 * step], ref value);
        Add(shared.Weighted[place + 6 * step], ref value);
        Add(shared.Weighted[place + 7 * step], ref value);
        var total = new SoftmaxTotal { Max = shared.MaxOf(turn, column), Sum = shared.SumOf(column) };
        var at =
            ((long)(launchRow + row) * geometry.Heads + tile.HeadOf(column)) * geometry.Chunks
            + (walk.Start >> AttentionTiling.ChunkShift);
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

/// <summary>A lane's scores: of its column, positions c, c + 1, c + 8 and c + 9 of the warp's sixteen; minus infinity where there is none.</summary>
internal struct ChunkScores
{
    public float P0;
    public float P1;
    public float P8;
    public float P9;
}
