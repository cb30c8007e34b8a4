using ILGPU;
using ILGPU.Algorithms;
using Ppsd.Kernels.Devices.Ilgpu.Attention.Tiling;
using Ppsd.Kernels.Devices.Ilgpu.Lane;
using Ppsd.Kernels.Devices.Ilgpu.Rows;

namespace Ppsd.Kernels.Devices.Ilgpu.Attention.KvCache;

/// <summary>
/// The rows of a step whose keys and values <see cref="Chunks.SplitAttentionKernel"/> appends itself: all of a step of up to
/// eight, none of a longer one. No group reads them from the cache: a slot that one of these rows writes is recognised
/// by its number in any row's context, and each group rotates the keys itself. Lane i holds row i.
/// </summary>
internal struct AppendedRows
{
    /// <summary>Most rows: the columns of a tile.</summary>
    public const int MaxCount = TensorCore.Width;

    /// <summary>Number of rows; 0 when an earlier kernel has appended them.</summary>
    public int Count;

    private int _slot;
    private int _position;

    /// <summary>The first <paramref name="count"/> rows of a step.</summary>
    public static AppendedRows Of(RowContexts rows, int count)
    {
        var row = XMath.Min(Warp.LaneIdx, XMath.Max(count - 1, 0));
        return new AppendedRows
        {
            Count = count,
            _slot = rows.Slot(row),
            _position = rows.Position(row),
        };
    }

    /// <summary>Slot of a row; all lanes must call it.</summary>
    public readonly int SlotOf(int row) => Warp.Shuffle(_slot, row);

    /// <summary>Position of a row in its sequence; all lanes must call it.</summary>
    public readonly int PositionOf(int row) => Warp.Shuffle(_position, row);

    /// <summary>
    /// False when none of the positions from <paramref name="position"/> on that a warp takes can be an appended row's.
    /// Positions computed in this step are last in every context: a later position attends to it, so it is computed in
    /// this step too.
    /// </summary>
    public readonly bool MayHold(int position, int contextLength) =>
        Count > 0 && position + AttentionTiling.TileLength > contextLength - Count;

    /// <summary>
    /// One more than the row that writes a slot, 0 when none does; all lanes must call it, each with any slot.
    /// </summary>
    public readonly int Find(int slot)
    {
        var found = 0;
        for (var row = Count - 1; row >= 0; row--)
        {
            found = SlotOf(row) == slot ? row + 1 : found;
        }

        return found;
    }
}
