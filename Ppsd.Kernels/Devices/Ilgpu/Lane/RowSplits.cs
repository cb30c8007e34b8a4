namespace Ppsd.Kernels.Devices.Ilgpu.Lane;

/// <summary>
/// The parts in which the dot product of a row is summed. Every product kernel sums the same parts in the same order, so a
/// result has the same bits whichever kernel computes it.
/// </summary>
internal static class RowSplits
{
    /// <summary>Parts of a row; in the narrow products a warp sums each.</summary>
    public const int Count = 8;

    /// <summary>Columns that rows are padded to: two tiles for each part.</summary>
    public const int PaddedColumns = Count * 2 * TensorCore.TileColumns;
}
