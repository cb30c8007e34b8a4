using ILGPU;
using Ppsd.Kernels.Devices.Ilgpu.Lane;

namespace Ppsd.Kernels.Devices.Ilgpu.Buffers;

/// <summary>
/// A bf16 matrix in device memory as <see cref="TensorCore"/> reads it: tiles of 16 x 16, those of sixteen rows one after
/// another, 512 bytes a tile, sixteen bytes a lane. Padded with zeros to whole tiles.
/// </summary>
internal struct TiledWeights
{
    /// <summary>The lanes' loads, [rowBlocks, tilesPerRow, 32].</summary>
    public ArrayView<UInt4> Loads;

    /// <summary>Tiles of sixteen rows.</summary>
    public int TilesPerRow;

    /// <summary>Rows without padding.</summary>
    public int Rows;
}
