using ILGPU;
using ILGPU.Algorithms;

namespace Ppsd.Kernels.Devices.Ilgpu.Attention.Tiling;

/// <summary>
/// The order in which a group goes through its share of a tile's chunks: every <c>Grid.DimY</c>-th, and in each chunk the
/// rows that read it, those together that read the same slots. All lanes of all warps take the same steps.
/// </summary>
internal struct ChunkWalk
{
    /// <summary>First position of the chunk.</summary>
    public int Start;

    /// <summary>The last of the rows that are served together, within the tile; negative at the end.</summary>
    public int Leader;

    /// <summary>The first of them.</summary>
    public int Member;

    /// <summary>The first stop.</summary>
    public static ChunkWalk Begin(in QueryTile tile)
    {
        var walk = new ChunkWalk();
        walk.Start = Grid.IdxY * AttentionTiling.ChunkLength;
        walk.Leader = LastBeyond(tile, tile.RowCount - 1, walk.Start);
        walk.Member = FirstOf(tile, walk.Leader, walk.Start);
        return walk;
    }

    /// <summary>On to the chunk's other rows, or to the group's next chunk; stays at the end.</summary>
    public void Next(in QueryTile tile)
    {
        Leader = LastBeyond(tile, Member - 1, Start);
        if (Leader < 0)
        {
            Start += Grid.DimY * AttentionTiling.ChunkLength;
            Leader = LastBeyond(tile, tile.RowCount - 1, Start);
        }

        Member = FirstOf(tile, Leader, Start);
    }

    /// <summary>The last row, from one on down, whose context extends past a position; -1 when none does.</summary>
    private static int LastBeyond(in QueryTile tile, int row, int position)
    {
        while (row >= 0 && tile.LengthOf(row) <= position)
        {
            row--;
        }

        return row;
    }

    /// <summary>Rows before the leader that read what it reads, as far as they read this chunk.</summary>
    private static int FirstOf(in QueryTile tile, int leader, int start)
    {
        var member = leader;
        var shared = int.MaxValue;
        var isShared = true;
        while (isShared && member > 0)
        {
            shared = XMath.Min(shared, tile.AgreementOf(member));
            isShared = XMath.Min(tile.LengthOf(member - 1), start + AttentionTiling.ChunkLength) <= shared;
            member = isShared ? member - 1 : member;
        }

        return member;
    }
}
