using Ppsd.Kernels.Devices.Ilgpu.Buffers;
using Ppsd.Kernels.Devices.Ilgpu.Rows;

namespace Ppsd.Kernels.Devices.Ilgpu.Lane;

/// <summary>
/// Layout of a product's input: [groups of eight rows, tiles of a row, row of the group, sixteen columns], so that the
/// tile which a warp multiplies is one stretch of 512 bytes. Row by row it would be eight pieces of 64 bytes from lines
/// far apart, and each copy of a decode step would touch all eight.
/// </summary>
/// <remarks>
/// Rows are padded to whole groups of eight, which costs only memory. Every kernel that writes or reads such rows gets
/// its indices here: <see cref="IlgpuProductInput"/> and the values of <see cref="NormedRowsView"/>.
/// </remarks>
internal static class TileOrder
{
    /// <summary>Rows of a tile: what tensor cores multiply at once.</summary>
    public const int TileRows = TensorCore.Width;

    /// <summary>Bytes from a tile to the next of the same rows.</summary>
    public const int TileBytes = TileValues * sizeof(float);

    // Shifts and masks, because divisions are slow on a card.
    private const int RowShift = 3;
    private const int ColumnShift = 4;
    private const int TileValues = TileRows * TensorCore.TileColumns;

    /// <summary>Index of a value.</summary>
    /// <param name="stride">Columns of a row with their padding, whole tiles.</param>
    public static long At(int row, int column, int stride) => RowAt(row, stride) + ColumnAt(column);

    /// <summary>Index of a row's first value.</summary>
    /// <param name="stride">Columns of a row with their padding, whole tiles.</param>
    public static long RowAt(int row, int stride) =>
        (long)(row >> RowShift) * (TileRows * stride) + (row & (TileRows - 1)) * TensorCore.TileColumns;

    /// <summary>Offset of a column; within a tile columns are contiguous.</summary>
    public static int ColumnAt(int column) =>
        (column >> ColumnShift) * TileValues + (column & (TensorCore.TileColumns - 1));

    /// <summary>Rows padded to whole groups of eight.</summary>
    public static int PaddedRows(int rows) => (rows + TileRows - 1) / TileRows * TileRows;
}
