using ILGPU;

namespace Ppsd.Kernels.Devices.Ilgpu;

/// <summary>A lane's words of a query tile [16, 64 of a head]: rows 0 to 7 the queries' bf16 parts, rows 8 to 15 what they leave.</summary>
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

    /// <summary>Loads positions lane / 4 and 8 + lane / 4: eights lane % 4 and 4 + lane % 4 of the part.</summary>
    public static KeyPart Load<TElement>(ArrayView<UInt4> keys, long first, long second, int eight, int eights)
        where TElement : struct, IKvEights
    {
        var part = new KeyPart();
        if (eight < eights)
        {
            part.First0 = TElement.Load(keys, first + eight);
            part.Second0 = TElement.Load(keys, second + eight);
        }

        if (eight + 4 < eights)
        {
            part.First1 = TElement.Load(keys, first + eight + 4);
            part.Second1 = TElement.Load(keys, second + eight + 4);
        }

        return part;
    }

    /// <summary>Adds this part's share of the scores: queries are the tile's rows, positions its columns.</summary>
    public readonly void AddScores<TElement>(in QueryPart query, ref MmaTile first, ref MmaTile second)
        where TElement : struct, IKvEights
    {
        Multiply(query.High0, query.Low0, First0.High, ref first);
        Multiply(query.High0, query.Low0, Second0.High, ref second);
        Multiply(query.High1, query.Low1, First1.High, ref first);
        Multiply(query.High1, query.Low1, Second1.High, ref second);
        if (TElement.HasLowPart)
        {
            Multiply(query.High0, query.Low0, First0.Low, ref first);
            Multiply(query.High0, query.Low0, Second0.Low, ref second);
            Multiply(query.High1, query.Low1, First1.Low, ref first);
            Multiply(query.High1, query.Low1, Second1.Low, ref second);
        }
    }

    // Which of a head's values stands for which k of the tile does not matter, as long as queries and keys agree: a lane
    // takes eight neighbours, as they come in one load.
    private static void Multiply(in UInt4 high, in UInt4 low, in UInt4 keys, ref MmaTile scores)
    {
        scores.Accumulate(high.X, low.X, high.Y, low.Y, keys.X, keys.Y);
        scores.Accumulate(high.Z, low.Z, high.W, low.W, keys.Z, keys.W);
    }
}

/// <summary>A lane's words of the values of one tile [16 positions, 64 of a head]: eight lane / 4 of four positions.</summary>
internal struct ValuePart
{
    public KvEight P0;
    public KvEight P1;
    public KvEight P8;
    public KvEight P9;

    public static ValuePart Load<TElement>(
        ArrayView<UInt4> values,
        long p0,
        long p1,
        long p8,
        long p9,
        int eight,
        int eights
    )
        where TElement : struct, IKvEights
    {
        var part = new ValuePart();
        if (eight < eights)
        {
            part.P0 = TElement.Load(values, p0 + eight);
            part.P1 = TElement.Load(values, p1 + eight);
            part.P8 = TElement.Load(values, p8 + eight);
            part.P9 = TElement.Load(values, p9 + eight);
        }

        return part;
    }
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
internal struct OutputPart
{
    public MmaTile T0;
    public MmaTile T1;
    public MmaTile T2;
    public MmaTile T3;

    /// <summary>Adds values times weights; values are the tiles' rows, queries their columns.</summary>
    public void Add<TElement>(in ValuePart values, in WeightPart weights)
        where TElement : struct, IKvEights
    {
        AddParts(values.P0.High, values.P1.High, values.P8.High, values.P9.High, weights);
        if (TElement.HasLowPart)
        {
            AddParts(values.P0.Low, values.P1.Low, values.P8.Low, values.P9.Low, weights);
        }
    }

    /// <summary>The eight values of query c.</summary>
    public readonly void Even(out Float4 first, out Float4 second)
    {
        first.X = T0.C0;
        first.Y = T0.C2;
        first.Z = T1.C0;
        first.W = T1.C2;
        second.X = T2.C0;
        second.Y = T2.C2;
        second.Z = T3.C0;
        second.W = T3.C2;
    }

    /// <summary>The eight values of query c + 1.</summary>
    public readonly void Odd(out Float4 first, out Float4 second)
    {
        first.X = T0.C1;
        first.Y = T0.C3;
        first.Z = T1.C1;
        first.W = T1.C3;
        second.X = T2.C1;
        second.Y = T2.C3;
        second.Z = T3.C1;
        second.W = T3.C3;
    }

    private void AddParts(in UInt4 p0, in UInt4 p1, in UInt4 p8, in UInt4 p9, in WeightPart weights)
    {
        AddPair(ref T0, p0.X, p1.X, p8.X, p9.X, weights);
        AddPair(ref T1, p0.Y, p1.Y, p8.Y, p9.Y, weights);
        AddPair(ref T2, p0.Z, p1.Z, p8.Z, p9.Z, weights);
        AddPair(ref T3, p0.W, p1.W, p8.W, p9.W, weights);
    }

    // The cache has values of one position side by side, the tensor core wants positions of one value: two words of two
    // positions are two words the other way round.
    private static void AddPair(ref MmaTile tile, uint p0, uint p1, uint p8, uint p9, in WeightPart weights)
    {
        var low0 = (p0 & 0xFFFFu) | (p1 << 16);
        var high0 = (p0 >> 16) | (p1 & 0xFFFF0000u);
        var low8 = (p8 & 0xFFFFu) | (p9 << 16);
        var high8 = (p8 >> 16) | (p9 & 0xFFFF0000u);
        tile.Accumulate(low0, high0, low8, high8, weights.High0, weights.High8);
        tile.Accumulate(low0, high0, low8, high8, weights.Low0, weights.Low8);
    }
}
