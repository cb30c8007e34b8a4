using Ppsd.Kernels.Devices.Cpu;

namespace Ppsd.Tests.Kernels.Ops;

/// <summary>Processors with vectors of 256 bits and of 512 sum alike, whichever of them runs this.</summary>
[Parallelizable(ParallelScope.All)]
public sealed unsafe class MatMulBlocks256Tests
{
    private const int Pairs = 37;

    [Test]
    public void Blocks_of_several_rows_have_the_same_bits()
    {
        AssertSame<BFloat16Pairs>(8, MatMulBlocks.FourRows<BFloat16Pairs>, MatMulBlocks256.FourRows<BFloat16Pairs>);
        AssertSame<Float32Pairs>(8, MatMulBlocks.FourRows<Float32Pairs>, MatMulBlocks256.FourRows<Float32Pairs>);
        AssertSame<BFloat16Pairs>(12, MatMulBlocks.SixRows<BFloat16Pairs>, MatMulBlocks256.SixRows<BFloat16Pairs>);
        AssertSame<Float32Pairs>(12, MatMulBlocks.SixRows<Float32Pairs>, MatMulBlocks256.SixRows<Float32Pairs>);
    }

    [Test]
    public void One_row_has_the_same_bits()
    {
        AssertSame<BFloat16Pairs>(
            MatMulBlocks.TilesOfOneRow,
            MatMulBlocks.OneRow<BFloat16Pairs>,
            MatMulBlocks256.OneRow<BFloat16Pairs>
        );
        AssertSame<Float32Pairs>(
            MatMulBlocks.TilesOfOneRow,
            MatMulBlocks.OneRow<Float32Pairs>,
            MatMulBlocks256.OneRow<Float32Pairs>
        );
    }

    [Test]
    public void Blocks_cover_any_number_of_rows_and_are_never_larger_than_the_panels_room()
    {
        for (var rows = 2; rows < 40; rows++)
        {
            var covered = 0;
            while (covered < rows)
            {
                var next = MatMulBlocks256.RowsOfNext(rows - covered);
                Assert.That(next, Is.AnyOf(2, 4, 6));
                covered += next;
            }

            Assert.That(covered, Is.LessThan(rows + 2), $"{rows} rows");
        }
    }

    private delegate void Product(in MatMulBlock block);

    /// <summary>Runs both on the same values and compares all sums.</summary>
    private static void AssertSame<TPairs>(int sums, Product expected, Product actual)
        where TPairs : struct, IWeightPairs
    {
        var random = new Random(1);
        var tileBytes = Pairs * TPairs.Bytes;
        using var weights = new AlignedMemory((MatMulBlocks.TilesOfOneRow * tileBytes) + IWeightPairs.PrefetchBytes);
        using var x = new AlignedMemory(2 * Pairs * MatMulBlocks.MostRows * sizeof(float));
        for (var i = 0; i < MatMulBlocks.TilesOfOneRow * tileBytes / 2; i++)
        {
            var value = (float)((2 * random.NextDouble()) - 1);
            ((ushort*)weights.Pointer)[i] = (ushort)(BitConverter.SingleToUInt32Bits(value) >> 16);
        }

        for (var i = 0; i < 2 * Pairs * MatMulBlocks.MostRows; i++)
        {
            ((float*)x.Pointer)[i] = (float)((2 * random.NextDouble()) - 1);
        }

        Assert.That(Run(actual), Is.EqualTo(Run(expected)));

        uint[] Run(Product product)
        {
            var results = new float[2 * MatMulBlocks.MostRows * Lanes.Count];
            for (var i = 0; i < results.Length; i++)
            {
                results[i] = i; // What other columns have brought.
            }

            fixed (float* first = results)
            {
                product(
                    new MatMulBlock
                    {
                        Weights = (byte*)weights.Pointer,
                        TileBytes = tileBytes,
                        Pairs = Pairs,
                        Row = (float*)x.Pointer,
                        Panel = (float*)x.Pointer,
                        Sums = first,
                    }
                );
            }

            return [.. results.Take(sums * Lanes.Count).Select(BitConverter.SingleToUInt32Bits)];
        }
    }
}
