using ILGPU;
using ILGPU.Algorithms;
using Ppsd.Kernels.Devices.Ilgpu.Attention.Tiling;
using Ppsd.Kernels.Devices.Ilgpu.Rows;

namespace Ppsd.Kernels.Devices.Ilgpu.Attention.Prompts;

/// <summary>What a group of <see cref="PromptAttentionKernel"/> serves: a tile for each of its warps.</summary>
internal struct PromptBlock
{
    /// <summary>The warp's tile; without rows past the launch's last.</summary>
    public QueryTile Tile;

    /// <summary>The context of the block's last row, which begins with every other row's.</summary>
    public RowContext Context;

    /// <summary>
    /// The group's block. Grid: key/value heads, anything, blocks of heads times blocks of rows. The last rows, which have the
    /// longest contexts, come first, so that no group begins a long walk when the others end.
    /// </summary>
    public static PromptBlock OfWarp(RowContexts rows, int firstRow, int lastRow, in AttentionGeometry geometry)
    {
        var blockShift = geometry.RowShift + AttentionTiling.WarpShift;
        var rowBlocks = (lastRow - firstRow + (1 << blockShift) - 1) >> blockShift;
        var index = Grid.DimZ - 1 - Grid.IdxZ;
        var firstGroupHead = 0;
        while (index >= rowBlocks)
        {
            index -= rowBlocks;
            firstGroupHead += geometry.TileHeads;
        }

        var first = firstRow + (index << blockShift);
        var tileRow = first + ((Group.IdxX >> 5) << geometry.RowShift);
        return new PromptBlock
        {
            Tile = QueryTile.Of(rows, tileRow, lastRow, firstGroupHead, geometry),
            Context = rows.Context(XMath.Min(first + (1 << blockShift), lastRow) - 1),
        };
    }
}
