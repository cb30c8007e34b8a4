using Ppsd.Kernels.Devices.Ilgpu.Lane;

namespace Ppsd.Kernels.Devices.Ilgpu.Attention.Tiling;

/// <summary>How attention divides positions: a group takes a chunk, each of its warps a tile of the chunk.</summary>
internal static class AttentionTiling
{
    /// <summary>Positions of a chunk: 128.</summary>
    public const int ChunkLength = 1 << ChunkShift;

    /// <summary>Base-2 logarithm of <see cref="ChunkLength"/>, because divisions are slow on a card.</summary>
    public const int ChunkShift = TileShift + 3;

    /// <summary>Positions of a warp's tile: 16.</summary>
    public const int TileLength = 1 << TileShift;

    /// <summary>Base-2 logarithm of <see cref="TileLength"/>.</summary>
    public const int TileShift = 4;

    /// <summary>Base-2 logarithm of <see cref="WarpCount"/>: 3.</summary>
    public const int WarpShift = ChunkShift - TileShift;

    /// <summary>Warps of a group.</summary>
    public const int WarpCount = ChunkLength / TileLength;

    /// <summary>Threads of a group.</summary>
    public const int GroupSize = WarpCount * GroupSum.WarpSize;
}
