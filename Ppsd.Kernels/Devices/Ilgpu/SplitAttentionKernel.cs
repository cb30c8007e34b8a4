using ILGPU;
using ILGPU.Algorithms;

namespace Ppsd.Kernels.Devices.Ilgpu;

/// <summary>
/// Attention of one tile of queries over one chunk of <see cref="ChunkLength"/> positions (flash decoding, Dao et al.
/// 2023): scores, their maximum, weights and weighted values, on tensor cores; <see cref="AttentionMergeKernel"/> joins a
/// row's chunks. Chunks begin at fixed positions and a column is its own sum, so a row's bits depend on nothing but its
/// own context: not on what rides along, where its tokens lie, or how large the card is.
/// </summary>
/// <remarks>
/// A warp takes <see cref="TileLength"/> positions, loads its keys and values at once (sixteen bytes a lane and load,
/// sixteen loads in flight) and multiplies them with up to eight queries, which costs the tensor core no more than one.
/// Rows that share a context share its loads; others take turns.
/// </remarks>
internal static class SplitAttentionKernel
{
    /// <summary>Positions of a chunk.</summary>
    public const int ChunkLength = TileLength * WarpCount;

    /// <summary>Threads of a group.</summary>
    public const int GroupSize = WarpCount * GroupSum.WarpSize;

    private const int WarpCount = 8;
    private const int TileLength = 16;
    private const int Columns = AttentionGeometry.TileColumns;

    // Finite, so that a query none of whose positions count has weights of zero and not of NaN.
    private const float Lowest = -1e30f;

    /// <param name="rows">The step's rows.</param>
    /// <param name="firstRow">First row of this launch.</param>
    /// <param name="lastRow">Row after the last of this launch.</param>
    /// <param name="queries">Turned queries in two bf16 parts; see <see cref="RotaryKernel"/>.</param>
    /// <param name="keys">[slot, kvHeads, headEights] eights.</param>
    /// <param name="values">[slot, kvHeads, headEights] eights.</param>
    /// <param name="geometry">How the work is cut.</param>
    /// <param name="partials">Weighted values, [row - firstRow, chunk, head, parts * 16].</param>
    /// <param name="totals">Largest score and sum of weights, [row - firstRow, chunk, head].</param>
    public static void Execute<TElement, TParts>(
        RowContexts rows,
        int firstRow,
        int lastRow,
        ArrayView<UInt4> queries,
        ArrayView<UInt4> keys,
        ArrayView<UInt4> values,
        AttentionGeometry geometry,
        ArrayView<Float4> partials,
        ArrayView<SoftmaxTotal> totals
    )
        where TElement : struct, IKvEights
        where TParts : struct, IHeadParts
    {
        var maxima = SharedMemory.Allocate<float>(WarpCount * Columns);
        var sums = SharedMemory.Allocate<float>(WarpCount * Columns);
        var weighted = SharedMemory.Allocate<Float4>(WarpCount * Columns * 2 * HeadPart.Size / 4);

        var lane = Warp.LaneIdx;
        var warp = Group.IdxX / GroupSum.WarpSize;
        var start = Grid.IdxX * ChunkLength;
        var tileRow = firstRow + Grid.IdxZ * geometry.TileRows;
        var rowCount = XMath.Min(geometry.TileRows, lastRow - tileRow);

        // Lane i keeps the length of the tile's row i and how much of it the row before shares.
        var ownRow = tileRow + XMath.Min(lane, rowCount - 1);
        var length = lane < rowCount ? rows.Length(ownRow) : 0;
        var agreement = rows.Agreement(ownRow);

        var kvHead = Grid.IdxY / geometry.BlocksPerKvHead;
        var firstGroupHead = Grid.IdxY % geometry.BlocksPerKvHead * geometry.TileHeads;
        var headCount = XMath.Min(geometry.TileHeads, geometry.GroupHeads - firstGroupHead);
        var firstHead = kvHead * geometry.GroupHeads + firstGroupHead;

        // A lane's query: tile column lane / 4.
        var columnRow = lane / 4 / geometry.TileHeads;
        var columnHead = lane / 4 % geometry.TileHeads;
        var isColumnLive = columnRow < rowCount && columnHead < headCount;
        var columnLength = Warp.Shuffle(length, columnRow);
        var query = ((long)(tileRow + columnRow) * geometry.Heads + firstHead + columnHead) * 2 * TParts.Count;
        var query0 = LoadQuery<TParts>(queries, query, 0, lane % 4, isColumnLive);
        var query1 = new QueryPart();
        if (TParts.Count > 1)
        {
            query1 = LoadQuery<TParts>(queries, query, 1, lane % 4, isColumnLive);
        }

        TensorTiles.Declare();
        var tiles = new TensorTiles();
        var leader = rowCount - 1;
        while (leader >= 0)
        {
            var leaderLength = Warp.Shuffle(length, leader);
            if (leaderLength <= start)
            {
                leader--;
                continue;
            }

            // Rows before the leader that read what it reads, as far as they read this chunk.
            var member = leader;
            var shared = leaderLength;
            var isShared = true;
            while (isShared && member > 0)
            {
                shared = XMath.Min(shared, Warp.Shuffle(agreement, member));
                isShared = XMath.Min(Warp.Shuffle(length, member - 1), start + ChunkLength) <= shared;
                member = isShared ? member - 1 : member;
            }

            var liveWarps = XMath.Min((leaderLength - start + TileLength - 1) / TileLength, WarpCount);
            var limit = isColumnLive && columnRow >= member && columnRow <= leader ? columnLength : 0;
            var position = start + warp * TileLength;
            var isLive = warp < liveWarps;
            var own = new MmaTile();
            var next = new MmaTile();
            var value0 = new ValuePart();
            var value1 = new ValuePart();
            if (isLive)
            {
                // Past the context's end its last slot is read again; its weight is zero.
                var slot = rows.ContextSlot(
                    tileRow + leader,
                    XMath.Min(position + lane % TileLength, leaderLength - 1)
                );
                var stride = (long)geometry.KvHeads * geometry.HeadEights;
                var head = kvHead * geometry.HeadEights;
                var c = lane % 4 * 2;
                var first = Warp.Shuffle(slot, lane / 4) * stride + head;
                var second = Warp.Shuffle(slot, lane / 4 + 8) * stride + head;
                var p0 = Warp.Shuffle(slot, c) * stride + head;
                var p1 = Warp.Shuffle(slot, c + 1) * stride + head;
                var p8 = Warp.Shuffle(slot, c + 8) * stride + head;
                var p9 = Warp.Shuffle(slot, c + 9) * stride + head;
                var eights = geometry.HeadEights;
                var key0 = KeyPart.Load<TElement>(keys, first, second, lane % 4, eights);
                var key1 = new KeyPart();
                if (TParts.Count > 1)
                {
                    key1 = KeyPart.Load<TElement>(keys, first, second, lane % 4 + HeadPart.EightCount, eights);
                }

                value0 = ValuePart.Load<TElement>(values, p0, p1, p8, p9, lane / 4, eights);
                if (TParts.Count > 1)
                {
                    value1 = ValuePart.Load<TElement>(values, p0, p1, p8, p9, lane / 4 + HeadPart.EightCount, eights);
                }

                // Keeps all loads above in flight together; the compiler would sink each to its use.
                Warp.Barrier();
                tiles.Clear(0);
                tiles.Clear(1);
                key0.AddScores<TElement>(query0, ref tiles);
                if (TParts.Count > 1)
                {
                    key1.AddScores<TElement>(query1, ref tiles);
                }

                own = tiles.Get(0);
                next = tiles.Get(1);
            }

            // Both parts of the queries, for positions c, c + 1 of the tile's first eight and of its second.
            position += lane % 4 * 2;
            var score0 = position < limit ? (own.C0 + own.C2) * geometry.Scale : float.NegativeInfinity;
            var score1 = position + 1 < limit ? (own.C1 + own.C3) * geometry.Scale : float.NegativeInfinity;
            var score8 = position + 8 < limit ? (next.C0 + next.C2) * geometry.Scale : float.NegativeInfinity;
            var score9 = position + 9 < limit ? (next.C1 + next.C3) * geometry.Scale : float.NegativeInfinity;
            if (isLive)
            {
                var largest = XMath.Max(XMath.Max(score0, score1), XMath.Max(score8, score9));
                largest = XMath.Max(largest, Warp.ShuffleXor(largest, 1));
                largest = XMath.Max(largest, Warp.ShuffleXor(largest, 2));
                maxima[warp * Columns + lane / 4] = largest;
            }

            Group.Barrier();
            if (isLive)
            {
                var max = Lowest;
                for (var w = 0; w < liveWarps; w++)
                {
                    max = XMath.Max(max, maxima[w * Columns + lane / 4]);
                }

                var weight0 = XMath.Exp2(score0 - max);
                var weight1 = XMath.Exp2(score1 - max);
                var weight8 = XMath.Exp2(score8 - max);
                var weight9 = XMath.Exp2(score9 - max);
                var sum = weight0 + weight1 + (weight8 + weight9);
                sum += Warp.ShuffleXor(sum, 1);
                sum += Warp.ShuffleXor(sum, 2);
                sums[warp * Columns + lane / 4] = sum;

                var weights = new WeightPart();
                weights.High0 = BFloat16.Pack(weight0, weight1);
                weights.High8 = BFloat16.Pack(weight8, weight9);
                weights.Low0 = BFloat16.PackRest(weight0, weight1, weights.High0);
                weights.Low8 = BFloat16.PackRest(weight8, weight9, weights.High8);
                AddValues<TElement, TParts>(ref tiles, value0, weights, weighted, warp, lane, 0);
                if (TParts.Count > 1)
                {
                    AddValues<TElement, TParts>(ref tiles, value1, weights, weighted, warp, lane, 1);
                }
            }

            Group.Barrier();
            var loads = TParts.Count * HeadPart.Size / 4;
            for (var i = Group.IdxX; i < Columns * loads; i += GroupSize)
            {
                var column = i / loads;
                var row = column / geometry.TileHeads;
                var groupHead = column % geometry.TileHeads;
                if (row >= member && row <= leader && groupHead < headCount && rows.Length(tileRow + row) > start)
                {
                    var value = new Float4();
                    for (var w = 0; w < liveWarps; w++)
                    {
                        var part = weighted[(w * Columns + column) * loads + i % loads];
                        value.X += part.X;
                        value.Y += part.Y;
                        value.Z += part.Z;
                        value.W += part.W;
                    }

                    var at =
                        ((long)(tileRow + row - firstRow) * geometry.Chunks + Grid.IdxX) * geometry.Heads
                        + firstHead
                        + groupHead;
                    partials[at * loads + i % loads] = value;
                    if (i % loads == 0)
                    {
                        var total = new SoftmaxTotal { Max = Lowest };
                        for (var w = 0; w < liveWarps; w++)
                        {
                            total.Max = XMath.Max(total.Max, maxima[w * Columns + column]);
                            total.Sum += sums[w * Columns + column];
                        }

                        totals[at] = total;
                    }
                }
            }

            leader = member - 1;
            Group.Barrier();
        }
    }

    private static QueryPart LoadQuery<TParts>(
        ArrayView<UInt4> queries,
        long query,
        int part,
        int eight,
        bool isColumnLive
    )
        where TParts : struct, IHeadParts
    {
        var result = new QueryPart();
        if (isColumnLive)
        {
            var high = (query + part) * HeadPart.EightCount + eight;
            var low = (query + TParts.Count + part) * HeadPart.EightCount + eight;
            result.High0 = queries[high];
            result.High1 = queries[high + 4];
            result.Low0 = queries[low];
            result.Low1 = queries[low + 4];
        }

        return result;
    }

    /// <summary>Writes a warp's weighted values of 64 of a head, [warp, column, parts * 16].</summary>
    private static void AddValues<TElement, TParts>(
        ref TensorTiles tiles,
        in ValuePart values,
        in WeightPart weights,
        ArrayView<Float4> weighted,
        int warp,
        int lane,
        int part
    )
        where TElement : struct, IKvEights
        where TParts : struct, IHeadParts
    {
        OutputPart.Clear(ref tiles);
        OutputPart.Add<TElement>(ref tiles, values, weights);
        var loads = TParts.Count * HeadPart.Size / 4;
        var at = (warp * Columns + lane % 4 * 2) * loads + part * HeadPart.Size / 4 + lane / 4 * 2;
        OutputPart.Store(tiles, weighted, at, at + loads);
    }
}
