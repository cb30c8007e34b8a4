using ILGPU;
using Ppsd.Kernels.Devices.Ilgpu.Attention.Tiling;

namespace Ppsd.Kernels.Devices.Ilgpu.Attention.Prompts;

/// <summary>
/// A lane's columns of its warp's tile. Of scores it holds column lane / 4; of weighted values columns c = lane % 4 * 2 and
/// c + 1.
/// </summary>
internal struct PromptColumns
{
    /// <summary>Positions the longest of the tile's rows attends to; 0 without rows.</summary>
    public int Longest;

    /// <summary>Positions that column lane / 4 attends to; 0 when it is not a query.</summary>
    public int Length;

    /// <summary>The column's first chunk in the partial results.</summary>
    public long At;

    /// <summary>Positions that column c attends to; 0 when it is not a query.</summary>
    public int EvenLength;

    /// <summary>The column's first chunk in the partial results.</summary>
    public long EvenAt;

    /// <summary>Positions that column c + 1 attends to; 0 when it is not a query.</summary>
    public int OddLength;

    /// <summary>The column's first chunk in the partial results.</summary>
    public long OddAt;

    /// <summary>The lane's columns of a tile; all lanes must call it.</summary>
    /// <param name="firstRow">First row of the launch.</param>
    public static PromptColumns Of(in QueryTile tile, in AttentionGeometry geometry, int firstRow)
    {
        var column = Warp.LaneIdx >> 2;
        var even = (Warp.LaneIdx & 3) * 2;
        return new PromptColumns
        {
            // The rows' lengths only grow. Lane 0 of a tile without rows has length 0.
            Longest = tile.LengthOf(tile.RowCount > 0 ? tile.RowCount - 1 : 0),
            Length = LengthOf(tile, column),
            At = FirstChunk(tile, geometry, firstRow, column),
            EvenLength = LengthOf(tile, even),
            EvenAt = FirstChunk(tile, geometry, firstRow, even),
            OddLength = LengthOf(tile, even + 1),
            OddAt = FirstChunk(tile, geometry, firstRow, even + 1),
        };
    }

    private static int LengthOf(in QueryTile tile, int column)
    {
        var length = tile.LengthOf(tile.RowOf(column));
        return tile.IsLive(column) ? length : 0;
    }

    private static long FirstChunk(in QueryTile tile, in AttentionGeometry geometry, int firstRow, int column) =>
        ((long)(tile.FirstRow - firstRow + tile.RowOf(column)) * geometry.Heads + tile.HeadOf(column))
        * geometry.Chunks;
}
