using ILGPU;

namespace Ppsd.Kernels.Devices.Ilgpu;

/// <summary>
/// Splits rows into two bf16 parts in the order tensor cores read them: [row blocks of 8, tilesPerRow, 32] loads of
/// sixteen bytes. Lane 4 r + c of a tile has row r, columns 4 c to 4 c + 3: two words of upper parts, two of what they
/// leave. One thread a load.
/// </summary>
internal static class RowPackKernel
{
    /// <summary>Threads of a group.</summary>
    public const int GroupSize = 256;

    /// <param name="x">[rows, loadStride] loads of four values, padded with zeros to whole tiles.</param>
    /// <param name="loadStride">Loads from one row to the next.</param>
    /// <param name="rows">Rows; those past the last of a block become zeros.</param>
    /// <param name="tilesPerRow">Sixteens of columns.</param>
    /// <param name="packed">Receives the parts.</param>
    public static void Execute(
        ArrayView<Float4> x,
        int loadStride,
        int rows,
        int tilesPerRow,
        ArrayView<UInt4> packed
    )
    {
        var i = Grid.IdxX * GroupSize + Group.IdxX;
        var tile = i / GroupSum.WarpSize;
        var lane = i % GroupSum.WarpSize;
        if (tile >= tilesPerRow)
        {
            return;
        }

        var row = Grid.IdxY * 8 + lane / 4;
        var parts = new UInt4();
        if (row < rows)
        {
            var four = x[(long)row * loadStride + tile * 4 + lane % 4];
            parts.X = BFloat16.Pack(four.X, four.Y);
            parts.Y = BFloat16.Pack(four.Z, four.W);
            parts.Z = BFloat16.PackRest(four.X, four.Y, parts.X);
            parts.W = BFloat16.PackRest(four.Z, four.W, parts.Y);
        }

        packed[((long)Grid.IdxY * tilesPerRow + tile) * GroupSum.WarpSize + lane] = parts;
    }
}
