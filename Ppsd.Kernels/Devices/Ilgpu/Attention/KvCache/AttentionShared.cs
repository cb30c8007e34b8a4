using ILGPU;
using ILGPU.Algorithms;
using Ppsd.Kernels.Devices.Ilgpu.Attention.Tiling;
using Ppsd.Kernels.Devices.Ilgpu.Lane;
using Ppsd.Kernels.Devices.Ilgpu.Products.Narrow;

namespace Ppsd.Kernels.Devices.Ilgpu.Attention.KvCache;

/// <summary>
/// The dynamic shared memory of a group of <see cref="Chunks.SplitAttentionKernel"/>: the ring, the tile's queries, the step's
/// keys and values, softmax totals of its warps, a word, the warps' weighted values. All of it is dynamic, for the same
/// reason as <see cref="RingMemory"/>.
/// </summary>
internal struct AttentionShared
{
    /// <summary>
    /// The least maximum: finite, so that a query without any counted position gets weights of zero rather than NaN.
    /// </summary>
    public const float Lowest = -1e30f;

    private const int Columns = AttentionGeometry.TileColumns;
    private const int TotalLoads = AttentionTiling.WarpCount * Columns / 4;

    // One load more than a query has, against bank conflicts.
    private const int QueryStride = 4 * HeadPart.EightCount + 1;

    /// <summary>Stages of keys and values; see <see cref="KvRing{TElement, TParts}"/>.</summary>
    public ArrayView<UInt4> Ring;

    /// <summary>Queries, [column, parts of both kinds], with a gap after each.</summary>
    public ArrayView<UInt4> Queries;

    /// <summary>Largest scores, [chunk mod 2, column, warp]: a warp may be at the next chunk while another reads this one's.</summary>
    public ArrayView<float> Maxima;

    /// <summary>Sums of weights, [column, warp].</summary>
    public ArrayView<float> Sums;

    /// <summary>True when this group is the tile's last.</summary>
    public ArrayView<int> IsLast;

    /// <summary>Keys and values that the step appends, [row, key then value, as in the cache].</summary>
    public ArrayView<UInt4> Appended;

    /// <summary>The warps' weighted values, [warp, column, load]: without a place of their own in that of the only stage's keys.</summary>
    public ArrayView<Float4> Weighted;

    /// <summary>Their address on a card.</summary>
    public int WeightedAddress;

    /// <summary>Size in loads of sixteen bytes.</summary>
    public static int Loads<TElement, TParts>(AttentionRoom room)
        where TElement : struct, IKvEights
        where TParts : struct, IHeadParts =>
        room.Stages * KvStage<TElement, TParts>.Loads
        + Columns * QueryStride
        + AppendedAt<TElement, TParts>(AppendedRows.MaxCount, isValue: 0)
        + 3 * TotalLoads
        + 1
        + room.WeightedSpaces * WeightedLoads(TParts.Count);

    /// <summary>The group's memory.</summary>
    public static AttentionShared OfGroup<TElement, TParts>(AttentionRoom room)
        where TElement : struct, IKvEights
        where TParts : struct, IHeadParts
    {
        var memory = SharedMemory.GetDynamic<UInt4>();
        var queries = room.Stages * KvStage<TElement, TParts>.Loads;
        var appended = queries + Columns * QueryStride;
        var appendedLoads = AppendedAt<TElement, TParts>(AppendedRows.MaxCount, isValue: 0);
        var totals = appended + appendedLoads;
        var weighted = room.WeightedSpaces * (totals + 3 * TotalLoads + 1);
        return new AttentionShared
        {
            Ring = memory,
            Queries = memory.SubView(queries, Columns * QueryStride),
            Appended = memory.SubView(appended, appendedLoads),
            Maxima = memory.SubView(totals, 2 * TotalLoads).Cast<float>(),
            Sums = memory.SubView(totals + 2 * TotalLoads, TotalLoads).Cast<float>(),
            IsLast = memory.SubView(totals + 3 * TotalLoads, 1).Cast<int>(),
            Weighted = memory.SubView(weighted, WeightedLoads(TParts.Count)).Cast<Float4>(),
            WeightedAddress = SharedCopy.Start() + weighted * SharedCopy.LoadBytes,
        };
    }

    /// <summary>Where a row's appended key begins, or its value.</summary>
    public static int AppendedAt<TElement, TParts>(int row, int isValue)
        where TElement : struct, IKvEights
        where TParts : struct, IHeadParts => (2 * row + isValue) * TParts.Count * HeadPart.EightCount * TElement.Loads;

    /// <summary>Stores a warp's largest score of a column.</summary>
    public readonly void SetMax(int turn, int column, int warp, float value) =>
        Maxima[(turn * Columns + column) * AttentionTiling.WarpCount + warp] = value;

    /// <summary>The largest of a column's scores.</summary>
    public readonly float MaxOf(int turn, int column)
    {
        var first = Maxima.Cast<Float4>()[2 * (turn * Columns + column)];
        var second = Maxima.Cast<Float4>()[2 * (turn * Columns + column) + 1];
        var max = XMath.Max(XMath.Max(first.X, first.Y), XMath.Max(first.Z, first.W));
        max = XMath.Max(max, XMath.Max(XMath.Max(second.X, second.Y), XMath.Max(second.Z, second.W)));
        return XMath.Max(max, Lowest);
    }

    /// <summary>Sum of a column's weights, warp by warp.</summary>
    public readonly float SumOf(int column)
    {
        var first = Sums.Cast<Float4>()[2 * column];
        var second = Sums.Cast<Float4>()[2 * column + 1];
        return first.X + first.Y + first.Z + first.W + second.X + second.Y + second.Z + second.W;
    }

    private static int WeightedLoads(int parts) => AttentionTiling.WarpCount * Columns * parts * HeadPart.Size / 4;

    /// <summary>Where a query's load stands.</summary>
    public static int QueryAt(int column, int load) => column * QueryStride + load;
}
