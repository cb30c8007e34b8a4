namespace Ppsd.Kernels.Devices.Ilgpu.Attention.Tiling;

/// <summary>
/// How attention is cut into blocks. A block serves the columns of one tensor-core tile: some consecutive rows of the
/// step times some query heads of one key/value head, so that they all share each load of keys and values.
/// </summary>
internal struct AttentionGeometry
{
    /// <summary>Columns of a tile.</summary>
    public const int TileColumns = 1 << ColumnShift;

    /// <summary>Base-2 logarithm of <see cref="TileColumns"/>: 3.</summary>
    public const int ColumnShift = 3;

    /// <summary>Slots of a page, which are contiguous in the cache.</summary>
    public const int PageSlots = 1 << PageShift;

    private const int PageShift = 4;

    /// <param name="shape">Heads.</param>
    /// <param name="chunks">Chunks of the longest context.</param>
    /// <param name="mostRows">
    /// Rows of a block at most, a power of two. Rows that share no context take turns in a block: as blocks of their own they
    /// run side by side.
    /// </param>
    public AttentionGeometry(AttentionShape shape, int chunks, int mostRows = TileColumns)
    {
        Heads = shape.HeadCount;
        KvHeads = shape.KvHeadCount;
        GroupHeads = shape.GroupSize;
        TileHeads = Math.Min(shape.GroupSize, TileColumns);
        HeadShift = 0;
        while (1 << HeadShift < TileHeads)
        {
            HeadShift++;
        }

        RowShift = ColumnShift - HeadShift;
        while (1 << RowShift > mostRows)
        {
            RowShift--;
        }

        TileRows = 1 << RowShift;
        BlocksPerKvHead = (GroupHeads + TileHeads - 1) / TileHeads;
        HeadSize = shape.HeadSize;
        HeadEights = ColumnGroups.Count(shape.HeadSize);
        Chunks = chunks;

        // Powers of two are one instruction on the card, so scores are kept in units of ln 2.
        Scale = (float)(1.0 / (shape.ScoreDivisor * Math.Log(2.0)));
    }

    /// <summary>Query heads.</summary>
    public int Heads;

    /// <summary>Key/value heads.</summary>
    public int KvHeads;

    /// <summary>Query heads per key/value head.</summary>
    public int GroupHeads;

    /// <summary>Query heads of a block.</summary>
    public int TileHeads;

    /// <summary>A tile's column is row &lt;&lt; HeadShift | head: divisions by what is not known are slow on a card.</summary>
    public int HeadShift;

    /// <summary>Base-2 logarithm of <see cref="TileRows"/>.</summary>
    public int RowShift;

    /// <summary>Rows of a block.</summary>
    public int TileRows;

    /// <summary>Values of a head.</summary>
    public int HeadSize;

    /// <summary>Eights from one key or value of the cache to the next; heads are padded with zeros to whole ones.</summary>
    public int HeadEights;

    /// <summary>Chunks the partial results have room for, at least those of the longest context.</summary>
    public int Chunks;

    /// <summary>Factor of the scores: 1 / (score divisor * ln 2).</summary>
    public float Scale;

    /// <summary>Blocks that share a key/value head.</summary>
    public int BlocksPerKvHead;

    /// <summary>The same work cut into tiles with as many rows as there is room for.</summary>
    public readonly AttentionGeometry OfFullTiles()
    {
        var full = this;
        full.RowShift = ColumnShift - HeadShift;
        full.TileRows = 1 << full.RowShift;
        return full;
    }

    /// <summary>
    /// Eights before a slot's keys or values of a head. Those of a page lie together, head by head, so that a tile of
    /// positions is one run of memory.
    /// </summary>
    public readonly long CacheIndex(int slot, int kvHead) =>
        ((long)((slot >> PageShift) * KvHeads + kvHead) * PageSlots + (slot & (PageSlots - 1))) * HeadEights;
}
