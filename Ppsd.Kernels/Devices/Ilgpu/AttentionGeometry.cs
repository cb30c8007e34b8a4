using Ppsd.Kernels.Model;

namespace Ppsd.Kernels.Devices.Ilgpu;

/// <summary>
/// How attention is cut into blocks. A block serves the columns of one tensor-core tile: some consecutive rows of the
/// step times some query heads of one key/value head, so that they all share each load of keys and values.
/// </summary>
internal struct AttentionGeometry
{
    /// <summary>Columns of a tile.</summary>
    public const int TileColumns = 8;

    public AttentionGeometry(AttentionShape shape, int chunks)
    {
        Heads = shape.HeadCount;
        KvHeads = shape.KvHeadCount;
        GroupHeads = shape.GroupSize;
        TileHeads = Math.Min(shape.GroupSize, TileColumns);
        TileRows = TileColumns / TileHeads;
        HeadSize = shape.HeadSize;
        HeadEights = ColumnGroups.Count(shape.HeadSize);
        Chunks = chunks;

        // Powers of two are one instruction on the card, so scores are kept in units of ln 2.
        Scale = (float)(1.0 / (Math.Sqrt(shape.HeadSize) * Math.Log(2.0)));
    }

    /// <summary>Query heads.</summary>
    public int Heads;

    /// <summary>Key/value heads.</summary>
    public int KvHeads;

    /// <summary>Query heads per key/value head.</summary>
    public int GroupHeads;

    /// <summary>Query heads of a block.</summary>
    public int TileHeads;

    /// <summary>Rows of a block.</summary>
    public int TileRows;

    /// <summary>Values of a head.</summary>
    public int HeadSize;

    /// <summary>Eights from one key or value of the cache to the next; heads are padded with zeros to whole ones.</summary>
    public int HeadEights;

    /// <summary>Chunks the partial results have room for, at least those of the longest context.</summary>
    public int Chunks;

    /// <summary>Factor of the scores: 1 / (sqrt(headSize) ln 2).</summary>
    public float Scale;

    /// <summary>Blocks that share a key/value head.</summary>
    public readonly int BlocksPerKvHead => (GroupHeads + TileHeads - 1) / TileHeads;
}
