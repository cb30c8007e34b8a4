using ILGPU;

namespace Ppsd.Kernels.Devices.Ilgpu;

/// <summary>hidden[row] = table[token of row]; one group a row.</summary>
internal static class EmbeddingKernel
{
    public const int GroupSize = 128;

    /// <param name="rows">The step's rows.</param>
    /// <param name="table">bf16, two columns a word, [vocabSize, wordStride].</param>
    /// <param name="wordStride">Words from one token to the next.</param>
    /// <param name="hidden">[rows, stride].</param>
    /// <param name="width">Values of a row.</param>
    /// <param name="stride">Values from one row to the next.</param>
    public static void BFloat16Table(
        RowContexts rows,
        ArrayView<uint> table,
        int wordStride,
        ArrayView<float> hidden,
        int width,
        int stride
    )
    {
        var row = Grid.IdxX;
        var source = (long)rows.Token(row) * wordStride;
        for (var i = Group.IdxX; i < width; i += Group.DimX)
        {
            var word = table[source + i / 2];
            hidden[(long)row * stride + i] = i % 2 == 0 ? BFloat16.Low(word) : BFloat16.High(word);
        }
    }

    /// <summary>As above with an fp32 table, [vocabSize, tableStride].</summary>
    public static void Float32Table(
        RowContexts rows,
        ArrayView<float> table,
        int tableStride,
        ArrayView<float> hidden,
        int width,
        int stride
    )
    {
        var row = Grid.IdxX;
        var source = (long)rows.Token(row) * tableStride;
        for (var i = Group.IdxX; i < width; i += Group.DimX)
        {
            hidden[(long)row * stride + i] = table[source + i];
        }
    }
}
