using Ppsd.Kernels.Devices.Ilgpu.Lane;
using Ppsd.Kernels.Devices.Ilgpu.Products.Narrow;

namespace Ppsd.Kernels.Devices.Ilgpu.Buffers;

/// <summary>Tiles of sixteen rows and columns, and the length to which rows are padded with zeros.</summary>
internal static class Tiles
{
    /// <summary>Row blocks that hold <paramref name="rows"/>.</summary>
    public static int RowBlocks(int rows) => (rows + TensorCore.TileRows - 1) / TensorCore.TileRows;

    /// <summary>
    /// Tiles that hold a row of <paramref name="columns"/>: whole stages of <see cref="ProductRing{TForm}"/>, so that
    /// no warp has to check whether its tile exists.
    /// </summary>
    public static int PerRow(int columns) => RoundUp(columns) / TensorCore.TileColumns;

    /// <summary>Length of a row padded to that many tiles.</summary>
    public static int RoundUp(int columns)
    {
        const int Columns = RowSplits.PaddedColumns;
        return (columns + Columns - 1) / Columns * Columns;
    }
}
