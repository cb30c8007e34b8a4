using ILGPU;
using ILGPU.Algorithms;
using Ppsd.Kernels.Devices.Ilgpu.Rows;

namespace Ppsd.Kernels.Devices.Ilgpu.Attention.Tiling;

/// <summary>
/// What a group of <see cref="Chunks.SplitAttentionKernel"/> serves: the columns of one tensor-core tile, each a row of the step
/// and a query head, row &lt;&lt; headShift | head. Lane i keeps what is known of the tile's row i.
/// </summary>
internal struct QueryTile
{
    /// <summary>First row, within the step.</summary>
    public int FirstRow;

    /// <summary>Rows.</summary>
    public int RowCount;

    /// <summary>The key/value head of all columns.</summary>
    public int KvHead;

    /// <summary>First query head.</summary>
    public int FirstHead;

    /// <summary>Query heads.</summary>
    public int HeadCount;

    /// <summary>See <see cref="AttentionGeometry.HeadShift"/>.</summary>
    public int HeadShift;

    /// <summary>Positions the lane's row attends to; 0 past the last row.</summary>
    public int Length;

    private RowContext _own;
    private int _position;

    /// <summary>The group's tile. Grid: key/value heads, anything, blocks of heads times tiles of rows.</summary>
    public static QueryTile OfGroup(RowContexts rows, int firstRow, int lastRow, in AttentionGeometry geometry)
    {
        // Divisions are slow on a card, and blocks of heads are few.
        var rowTiles = (lastRow - firstRow + geometry.TileRows - 1) >> geometry.RowShift;
        var index = Grid.IdxZ;
        var firstGroupHead = 0;
        while (index >= rowTiles)
        {
            index -= rowTiles;
            firstGroupHead += geometry.TileHeads;
        }

        return Of(rows, firstRow + index * geometry.TileRows, lastRow, firstGroupHead, geometry);
    }

    /// <summary>The tile that begins at a row, for some of the grid's key/value head's query heads; without rows from the last on.</summary>
    /// <param name="rows">The step's rows.</param>
    /// <param name="tileRow">The tile's first row.</param>
    /// <param name="lastRow">Row after the last of this launch.</param>
    /// <param name="firstGroupHead">First of the query heads that share the key/value head.</param>
    /// <param name="geometry">How the work is cut.</param>
    public static QueryTile Of(
        RowContexts rows,
        int tileRow,
        int lastRow,
        int firstGroupHead,
        in AttentionGeometry geometry
    )
    {
        var lane = Warp.LaneIdx;
        var tile = new QueryTile();
        tile.FirstRow = tileRow;
        tile.RowCount = XMath.Max(XMath.Min(geometry.TileRows, lastRow - tileRow), 0);
        var row = XMath.Min(tileRow + XMath.Min(lane, XMath.Max(tile.RowCount - 1, 0)), lastRow - 1);
        tile.KvHead = Grid.IdxX;
        tile.FirstHead = Grid.IdxX * geometry.GroupHeads + firstGroupHead;
        tile.HeadCount = XMath.Min(geometry.TileHeads, geometry.GroupHeads - firstGroupHead);
        tile.HeadShift = geometry.HeadShift;
        tile._own = rows.Context(row);
        tile._position = rows.Position(row);
        tile.Length = lane < tile.RowCount ? tile._own.Length : 0;
        return tile;
    }

    /// <summary>A column's row, within the tile.</summary>
    public readonly int RowOf(int column) => column >> HeadShift;

    /// <summary>A column's query head.</summary>
    public readonly int HeadOf(int column) => FirstHead + (column & ((1 << HeadShift) - 1));

    /// <summary>True when a column is a query of the step.</summary>
    public readonly bool IsLive(int column) =>
        RowOf(column) < RowCount && (column & ((1 << HeadShift) - 1)) < HeadCount;

    /// <summary>Positions a row attends to; all lanes must ask, each for any row.</summary>
    public readonly int LengthOf(int row) => Warp.Shuffle(Length, row);

    /// <summary>A row's position in its sequence; all lanes must ask.</summary>
    public readonly int PositionOf(int row) => Warp.Shuffle(_position, row);

    /// <summary>Number of leading positions that a row shares with the row before it; all lanes must call it.</summary>
    public readonly int AgreementOf(int row) => Warp.Shuffle(_own.Agreement, row);

    /// <summary>Where a row's slots stand; all lanes must ask.</summary>
    public readonly RowContext ContextOf(int row) =>
        new()
        {
            TableStart = Warp.Shuffle(_own.TableStart, row),
            CommittedLength = Warp.Shuffle(_own.CommittedLength, row),
            TailStart = Warp.Shuffle(_own.TailStart, row),
            Length = Warp.Shuffle(Length, row),
        };
}
