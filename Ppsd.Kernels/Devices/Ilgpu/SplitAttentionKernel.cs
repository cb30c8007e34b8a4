using ILGPU;
using ILGPU.Algorithms;
using ILGPU.Runtime;

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

    // One load more than a query has, against bank conflicts.
    private const int QueryStride = 4 * HeadPart.EightCount + 1;

    // Finite, so that a query none of whose positions count has weights of zero and not of NaN.
    private const float Lowest = -1e30f;

    /// <summary>Two groups share a multiprocessor, so that one loads while the other computes; fp32 needs the room.</summary>
    public static KernelSpecialization Specialization<TElement>()
        where TElement : struct, IKvEights => new(GroupSize, TElement.HasLowPart ? 1 : 2);

    /// <summary>Grid: key/value heads, chunks, tiles of rows (and of heads, where a group has more than eight).</summary>
    /// <param name="rows">The step's rows.</param>
    /// <param name="firstRow">First row of this launch.</param>
    /// <param name="lastRow">Row after the last of this launch.</param>
    /// <param name="queries">Turned queries in two bf16 parts; see <see cref="RotaryKernel"/>.</param>
    /// <param name="keys">Eights; see <see cref="AttentionGeometry.CacheIndex"/>.</param>
    /// <param name="values">Eights; see <see cref="AttentionGeometry.CacheIndex"/>.</param>
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

        var staged = SharedMemory.Allocate<UInt4>(Columns * QueryStride);

        DependentLaunch.Release();
        var lane = Warp.LaneIdx;
        var warp = Group.IdxX >> 5;
        var start = Grid.IdxY * ChunkLength;
        var tile = Grid.IdxZ;
        var firstGroupHead = 0;
        if (geometry.BlocksPerKvHead > 1)
        {
            tile = Grid.IdxZ / geometry.BlocksPerKvHead;
            firstGroupHead = (Grid.IdxZ - tile * geometry.BlocksPerKvHead) * geometry.TileHeads;
        }

        var tileRow = firstRow + tile * geometry.TileRows;
        var rowCount = XMath.Min(geometry.TileRows, lastRow - tileRow);

        // Lane i keeps what is known of the tile's row i.
        var own = rows.Context(tileRow + XMath.Min(lane, rowCount - 1));
        var length = lane < rowCount ? own.Length : 0;
        var kvHead = Grid.IdxX;
        var headCount = XMath.Min(geometry.TileHeads, geometry.GroupHeads - firstGroupHead);
        var firstHead = kvHead * geometry.GroupHeads + firstGroupHead;
        var headMask = (1 << geometry.HeadShift) - 1;

        // A lane's query: tile column (lane >> 2).
        var columnRow = (lane >> 2) >> geometry.HeadShift;
        var isColumnLive = columnRow < rowCount && ((lane >> 2) & headMask) < headCount;
        var columnLength = Warp.Shuffle(length, columnRow);
        var areQueriesStaged = false;

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
                shared = XMath.Min(shared, Warp.Shuffle(own.Agreement, member));
                isShared = XMath.Min(Warp.Shuffle(length, member - 1), start + ChunkLength) <= shared;
                member = isShared ? member - 1 : member;
            }

            var liveWarps = XMath.Min((leaderLength - start + TileLength - 1) >> 4, WarpCount);
            var limit = isColumnLive && columnRow >= member && columnRow <= leader ? columnLength : 0;
            var position = start + warp * TileLength;
            var isLive = warp < liveWarps;
            var first8 = new MmaTile();
            var next8 = new MmaTile();
            var value0 = new ValuePart();
            var value1 = new ValuePart();
            var key0 = new KeyPart();
            var key1 = new KeyPart();

            // Past the context's end its last slot is read again; its weight is zero.
            var leaderContext = own;
            leaderContext.TableStart = Warp.Shuffle(own.TableStart, leader);
            leaderContext.CommittedLength = Warp.Shuffle(own.CommittedLength, leader);
            leaderContext.TailStart = Warp.Shuffle(own.TailStart, leader);
            var slot = rows.Words[
                leaderContext.SlotWord(XMath.Min(position + (lane & (TileLength - 1)), leaderLength - 1))
            ];
            DependentLaunch.Wait();
            if (isLive)
            {
                var c = (lane & 3) * 2;
                var first = geometry.CacheIndex(Warp.Shuffle(slot, (lane >> 2)), kvHead);
                var second = geometry.CacheIndex(Warp.Shuffle(slot, (lane >> 2) + 8), kvHead);
                var p0 = geometry.CacheIndex(Warp.Shuffle(slot, c), kvHead);
                var p1 = geometry.CacheIndex(Warp.Shuffle(slot, c + 1), kvHead);
                var p8 = geometry.CacheIndex(Warp.Shuffle(slot, c + 8), kvHead);
                var p9 = geometry.CacheIndex(Warp.Shuffle(slot, c + 9), kvHead);
                var eights = geometry.HeadEights;
                key0 = KeyPart.Load<TElement>(keys, first, second, (lane & 3), eights);
                if (TParts.Count > 1)
                {
                    key1 = KeyPart.Load<TElement>(keys, first, second, (lane & 3) + HeadPart.EightCount, eights);
                }

                value0 = ValuePart.Load<TElement>(values, p0, p1, p8, p9, (lane >> 2), eights);
                if (TParts.Count > 1)
                {
                    value1 = ValuePart.Load<TElement>(
                        values,
                        p0,
                        p1,
                        p8,
                        p9,
                        (lane >> 2) + HeadPart.EightCount,
                        eights
                    );
                }

                // Keeps all loads above in flight together; the compiler would sink each to its use.
                Warp.Barrier();
            }

            if (!areQueriesStaged)
            {
                areQueriesStaged = true;
                StageQueries<TParts>(queries, geometry, tileRow, rowCount, firstHead, headCount, staged);
                Group.Barrier();
            }

            if (isLive)
            {
                tiles.Clear(0);
                tiles.Clear(1);
                tiles.Clear(2);
                tiles.Clear(3);
                key0.AddScores<TElement>(LoadQuery<TParts>(staged, lane, 0), ref tiles);
                if (TParts.Count > 1)
                {
                    key1.AddScores<TElement>(LoadQuery<TParts>(staged, lane, 1), ref tiles);
                }

                first8 = tiles.Get(0);
                first8.Add(tiles.Get(2));
                next8 = tiles.Get(1);
                next8.Add(tiles.Get(3));
            }

            // Both parts of the queries, for positions c, c + 1 of the tile's first eight and of its second.
            position += (lane & 3) * 2;
            var score0 = position < limit ? (first8.C0 + first8.C2) * geometry.Scale : float.NegativeInfinity;
            var score1 = position + 1 < limit ? (first8.C1 + first8.C3) * geometry.Scale : float.NegativeInfinity;
            var score8 = position + 8 < limit ? (next8.C0 + next8.C2) * geometry.Scale : float.NegativeInfinity;
            var score9 = position + 9 < limit ? (next8.C1 + next8.C3) * geometry.Scale : float.NegativeInfinity;
            if (isLive)
            {
                var largest = XMath.Max(XMath.Max(score0, score1), XMath.Max(score8, score9));
                largest = XMath.Max(largest, Warp.ShuffleXor(largest, 1));
                largest = XMath.Max(largest, Warp.ShuffleXor(largest, 2));
                maxima[warp * Columns + (lane >> 2)] = largest;
            }

            Group.Barrier();
            if (isLive)
            {
                var max = Lowest;
                for (var w = 0; w < WarpCount; w++)
                {
                    max = w < liveWarps ? XMath.Max(max, maxima[w * Columns + (lane >> 2)]) : max;
                }

                var weight0 = XMath.Exp2(score0 - max);
                var weight1 = XMath.Exp2(score1 - max);
                var weight8 = XMath.Exp2(score8 - max);
                var weight9 = XMath.Exp2(score9 - max);
                var sum = weight0 + weight1 + (weight8 + weight9);
                sum += Warp.ShuffleXor(sum, 1);
                sum += Warp.ShuffleXor(sum, 2);
                sums[warp * Columns + (lane >> 2)] = sum;

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
            var loadShift = TParts.Count > 1 ? 5 : 4;
            for (var i = Group.IdxX; i < Columns * loads; i += GroupSize)
            {
                var column = i >> loadShift;
                var load = i & (loads - 1);
                var row = column >> geometry.HeadShift;
                var groupHead = column & headMask;
                if (row >= member && row <= leader && groupHead < headCount && rows.Length(tileRow + row) > start)
                {
                    var value = new Float4();
                    for (var w = 0; w < WarpCount; w++)
                    {
                        var isCounted = w < liveWarps;
                        var part = weighted[(w * Columns + column) * loads + load];
                        value.X += isCounted ? part.X : 0f;
                        value.Y += isCounted ? part.Y : 0f;
                        value.Z += isCounted ? part.Z : 0f;
                        value.W += isCounted ? part.W : 0f;
                    }

                    var at =
                        ((long)(tileRow + row - firstRow) * geometry.Chunks + Grid.IdxY) * geometry.Heads
                        + firstHead
                        + groupHead;
                    partials[at * loads + load] = value;
                    if (load == 0)
                    {
                        var total = new SoftmaxTotal { Max = Lowest };
                        for (var w = 0; w < WarpCount; w++)
                        {
                            var isCounted = w < liveWarps;
                            total.Max = isCounted ? XMath.Max(total.Max, maxima[w * Columns + column]) : total.Max;
                            total.Sum += isCounted ? sums[w * Columns + column] : 0f;
                        }

                        totals[at] = total;
                    }
                }
            }

            leader = member - 1;
            Group.Barrier();
        }
    }

    /// <summary>Copies the tile's queries, [column, parts of both kinds], into shared memory; zeros where there is none.</summary>
    private static void StageQueries<TParts>(
        ArrayView<UInt4> queries,
        AttentionGeometry geometry,
        int tileRow,
        int rowCount,
        int firstHead,
        int headCount,
        ArrayView<UInt4> staged
    )
        where TParts : struct, IHeadParts
    {
        const int Loads = 4 * HeadPart.EightCount;
        var column = Group.IdxX >> 5;
        var load = Group.IdxX & (Loads - 1);
        var row = column >> geometry.HeadShift;
        var head = column & ((1 << geometry.HeadShift) - 1);
        var loads = 2 * TParts.Count * HeadPart.EightCount;
        var query = new UInt4();

        // What lies past a short head is left from heads of another size.
        var isInside = load < loads && (load & (TParts.Count * HeadPart.EightCount - 1)) < geometry.HeadEights;
        if (row < rowCount && head < headCount && isInside)
        {
            query = queries[((long)(tileRow + row) * geometry.Heads + firstHead + head) * loads + load];
        }

        staged[column * QueryStride + load] = query;
    }

    private static QueryPart LoadQuery<TParts>(ArrayView<UInt4> staged, int lane, int part)
        where TParts : struct, IHeadParts
    {
        var high = (lane >> 2) * QueryStride + part * HeadPart.EightCount + (lane & 3);
        var low = high + TParts.Count * HeadPart.EightCount;
        return new QueryPart
        {
            High0 = staged[high],
            High1 = staged[high + 4],
            Low0 = staged[low],
            Low1 = staged[low + 4],
        };
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
        var at = (warp * Columns + (lane & 3) * 2) * loads + part * HeadPart.Size / 4 + (lane >> 2) * 2;
        OutputPart.Store(tiles, weighted, at, at + loads);
    }
}
