using Ppsd.Kernels.Devices.Ilgpu.Lane;

namespace Ppsd.Tests.Kernels.Devices;

[Parallelizable(ParallelScope.All)]
public sealed class TileOrderTests
{
    private const int Stride = 256;

    [Test]
    public void A_tile_of_eight_rows_is_one_stretch()
    {
        Assert.That(TileOrder.At(8, 32, Stride), Is.EqualTo(8 * Stride + 2 * 128));

        for (var row = 0; row < 8; row++)
        {
            for (var column = 0; column < 16; column++)
            {
                Assert.That(
                    TileOrder.At(8 + row, 32 + column, Stride),
                    Is.EqualTo(TileOrder.At(8, 32, Stride) + row * 16 + column)
                );
            }
        }
    }

    [Test]
    public void Every_value_has_a_place_of_its_own()
    {
        var places =
            from row in Enumerable.Range(0, 24)
            from column in Enumerable.Range(0, Stride)
            select (int)TileOrder.At(row, column, Stride);

        Assert.That(places, Is.EquivalentTo(Enumerable.Range(0, 24 * Stride)));
    }

    [Test]
    public void Large_buffers_need_more_than_an_int()
    {
        Assert.That(TileOrder.At(1 << 20, 0, 1 << 14), Is.EqualTo(1L << 34));
    }

    [TestCase(1, 8)]
    [TestCase(8, 8)]
    [TestCase(9, 16)]
    public void Rows_are_padded_to_whole_eights(int rows, int padded)
    {
        Assert.That(TileOrder.PaddedRows(rows), Is.EqualTo(padded));
    }
}
