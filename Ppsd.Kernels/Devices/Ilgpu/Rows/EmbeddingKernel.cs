using ILGPU;
using Ppsd.Kernels.Devices.Ilgpu.Buffers;
using Ppsd.Kernels.Devices.Ilgpu.Driver;
using Ppsd.Kernels.Devices.Ilgpu.Lane;

namespace Ppsd.Kernels.Devices.Ilgpu.Rows;

/// <summary>hidden[row] = table[token of row] * factor. Grid: rows, shares of their columns.</summary>
internal static class EmbeddingKernel
{
    private const int GroupSize = 128;

    /// <summary>A thread a value: one after another each waits for memory.</summary>
    /// <param name="width">Values of a row.</param>
    public static KernelConfig Config(int rows, int width) =>
        new(new Index2D(rows, (width + GroupSize - 1) / GroupSize), new Index2D(GroupSize, 1));

    /// <param name="rows">The step's rows.</param>
    /// <param name="table">[vocabSize, hiddenSize].</param>
    /// <param name="hidden">[rows, stride].</param>
    /// <param name="width">Values of a row.</param>
    /// <param name="stride">Values from one row to the next.</param>
    /// <param name="factor">1, which changes no bit, but for families that multiply embeddings.</param>
    public static void TiledTable(
        RowContexts rows,
        TiledWeights table,
        ArrayView<float> hidden,
        int width,
        int stride,
        float factor
    )
    {
        DependentLaunch.Release();
        DependentLaunch.Wait();
        var row = Grid.IdxX;
        var token = rows.Token(row);
        var words = table.Loads.Cast<uint>();
        var tile = (long)(token / TensorCore.TileRows) * table.TilesPerRow;
        for (var i = Grid.IdxY * GroupSize + Group.IdxX; i < width; i += GroupSize * Grid.DimY)
        {
            // The place of a value in its tile: see TensorCore.
            var lane = token % 8 * 4 + i % TensorCore.TileColumns / 4;
            var word = token % TensorCore.TileRows / 8 + i % 4 / 2 * 2;
            var pair = words[(tile + i / TensorCore.TileColumns) * (4 * GroupSum.WarpSize) + lane * 4 + word];
            hidden[(long)row * stride + i] =
                (i % 2 == 0 ? DeviceBFloat16.Low(pair) : DeviceBFloat16.High(pair)) * factor;
        }
    }

    /// <summary>The same with an fp32 table, [vocabSize, tableStride].</summary>
    public static void Float32Table(
        RowContexts rows,
        ArrayView<float> table,
        int tableStride,
        ArrayView<float> hidden,
        int width,
        int stride,
        float factor
    )
    {
        DependentLaunch.Release();
        DependentLaunch.Wait();
        var row = Grid.IdxX;
        var source = (long)rows.Token(row) * tableStride;
        for (var i = Grid.IdxY * GroupSize + Group.IdxX; i < width; i += GroupSize * Grid.DimY)
        {
            hidden[(long)row * stride + i] = table[source + i] * factor;
        }
    }
}
