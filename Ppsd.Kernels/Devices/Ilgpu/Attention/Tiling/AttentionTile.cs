using Ppsd.Kernels.Devices.Ilgpu.Lane;

namespace Ppsd.Kernels.Devices.Ilgpu.Attention.Tiling;

/// <summary>
/// A lane's words of a query tile [16, 64 of a head]: rows 0 to 7 hold the bf16-rounded queries, rows 8 to 15 the
/// bf16-rounded residuals.
/// </summary>
internal struct QueryPart
{
    public UInt4 High0;
    public UInt4 High1;
    public UInt4 Low0;
    public UInt4 Low1;
}

/// <summary>A lane's words of the keys of one tile [16 positions, 64 of a head].</summary>
internal struct KeyPart
{
    public KvEight First0;
    public KvEight First1;
    public KvEight Second0;
    public KvEight Second1;

    /// <summary>
    /// Adds this part's share of the scores to tiles 0 and 2 (the first eight positions) and 1 and 3 (the others): queries
    /// are the tiles' rows, positions their columns. Two tiles each, so that no product waits long for the one before.
    /// </summary>
    public readonly void AddScores<TElement>(in QueryPart query, ref AttentionSums tiles)
        where TElement : struct, IKvEights
    {
        MultiplyFirst(query.High0, query.Low0, First0.High, ref tiles);
        MultiplySecond(query.High0, query.Low0, Second0.High, ref tiles);
        MultiplyFirst(query.High1, query.Low1, First1.High, ref tiles);
        MultiplySecond(query.High1, query.Low1, Second1.High, ref tiles);
        if (TElement.HasLowPart)
        {
            MultiplyFirst(query.High0, query.Low0, First0.Low, ref tiles);
            MultiplySecond(query.High0, query.Low0, Second0.Low, ref tiles);
            MultiplyFirst(query.High1, query.Low1, First1.Low, ref tiles);
            MultiplySecond(query.High1, query.Low1, Second1.Low, ref tiles);
        }
    }

    // Which of a head's values stands for which k of the tile does not matter, as long as queries and keys agree: a lane
    // takes eight neighbours, as they come in one load.
    private static void MultiplyFirst(in UInt4 high, in UInt4 low, in UInt4 keys, ref AttentionSums tiles)
    {
        tiles.Accumulate0(high.X, low.X, high.Y, low.Y, keys.X, keys.Y);
        tiles.Accumulate2(high.Z, low.Z, high.W, low.W, keys.Z, keys.W);
    }

    private static void MultiplySecond(in UInt4 high, in UInt4 low, in UInt4 keys, ref AttentionSums tiles)
    {
        tiles.Accumulate1(high.X, low.X, high.Y, low.Y, keys.X, keys.Y);
        tiles.Accumulate3(high.Z, low.Z, high.W, low.W, keys.Z, keys.W);
    }
}

/// <summary>A lane's words of the values of one tile [16 positions, 64 of a head]: eight lane / 4 of four positions.</summary>
internal struct ValuePart
{
    public KvEight P0;
    public KvEight P1;
    public KvEight P8;
    public KvEight P9;
}

/// <summary>Weights of a tile's sixteen positions for a lane's query: positions c, c + 1 and c + 8, c + 9.</summary>
internal struct WeightPart
{
    public uint High0;
    public uint High8;
    public uint Low0;
    public uint Low8;
}

/// <summary>A lane's weighted values of 64 of a head: eight lane / 4, for queries c and c + 1, two values a tile.</summary>
internal static class OutputPart
{
    /// <summary>Adds values times weights to tiles 0 to 3; values are the tiles' rows, queries their columns.</summary>
    public static void Add<TElement>(ref AttentionSums tiles, in ValuePart values, in WeightPart weights)
        where TElement : struct, IKvEights
    {
        AddParts(ref tiles, values.P0.High, values.P1.High, values.P8.High, values.P9.High, weights);
        if (TElement.HasLowPart)
        {
            AddParts(ref tiles, values.P0.Low, values.P1.Low, values.P8.Low, values.P9.Low, weights);
        }
    }

    private static void AddParts(
        ref AttentionSums tiles,
        in UInt4 p0,
        in UInt4 p1,
        in UInt4 p8,
        in UInt4 p9,
        in WeightPart weights
    )
    {
        var first = new PositionPairs(p0.X, p1.X, p8.X, p9.X);
        var second = new PositionPairs(p0.Y, p1.Y, p8.Y, p9.Y);
        var third = new PositionPairs(p0.Z, p1.Z, p8.Z, p9.Z);
        var fourth = new PositionPairs(p0.W, p1.W, p8.W, p9.W);
        tiles.Accumulate0(first.Low0, first.High0, first.Low8, first.High8, weights.High0, weights.High8);
        tiles.Accumulate1(second.Low0, second.High0, second.Low8, second.High8, weights.High0, weights.High8);
        tiles.Accumulate2(third.Low0, third.High0, third.Low8, third.High8, weights.High0, weights.High8);
        tiles.Accumulate3(fourth.Low0, fourth.High0, fourth.Low8, fourth.High8, weights.High0, weights.High8);
        tiles.Accumulate0(first.Low0, first.High0, first.Low8, first.High8, weights.Low0, weights.Low8);
        tiles.Accumulate1(second.Low0, second.High0, second.Low8, second.High8, weights.Low0, weights.Low8);
        tiles.Accumulate2(third.Low0, third.High0, third.Low8, third.High8, weights.Low0, weights.Low8);
        tiles.Accumulate3(fourth.Low0, fourth.High0, fourth.Low8, fourth.High8, weights.Low0, weights.Low8);
    }
}

/// <summary>
/// The cache has values of one position side by side, the tensor core wants positions of one value: two words of two
/// positions are two words the other way round.
/// </summary>
internal readonly struct PositionPairs
{
    public readonly uint Low0;
    public readonly uint High0;
    public readonly uint Low8;
    public readonly uint High8;

    public PositionPairs(uint p0, uint p1, uint p8, uint p9)
    {
        Low0 = (p0 & 0xFFFFu) | (p1 << 16);
        High0 = (p0 >> 16) | (p1 & 0xFFFF0000u);
        Low8 = (p8 & 0xFFFFu) | (p9 << 16);
        High8 = (p8 >> 16) | (p9 & 0xFFFF0000u);
    }
}
