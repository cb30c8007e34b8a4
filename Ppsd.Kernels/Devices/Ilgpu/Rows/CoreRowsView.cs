using ILGPU;
using Ppsd.Kernels.Devices.Ilgpu.Lane;

namespace Ppsd.Kernels.Devices.Ilgpu.Rows;

/// <summary>
/// Rows in two bf16 parts, in the cores that <c>wgmma</c> reads from shared memory: where a kernel that makes rows for such a product
/// puts their parts itself, so that no kernel between the two has to.
/// </summary>
/// <remarks>
/// A tile of eight rows and sixteen columns has four cores of eight rows by eight columns, 128 bytes each: upper parts, then lower
/// ones, each first of the columns 4 c and 4 c + 1, then of 4 c + 2 and 4 c + 3, as <see cref="TensorCore"/> deals them out. Tiles
/// lie in the order [row tiles, splits, tiles of a split, row blocks of a row tile], so that what a stage of the product needs is one
/// stretch.
/// </remarks>
internal struct CoreRowsView
{
    /// <summary>32-bit words of a core.</summary>
    public const int CoreWords = 32;

    private const int SplitShift = 3;
    private const int RestWords = 2 * CoreWords;

    /// <summary>The parts, two a word.</summary>
    public ArrayView<uint> Words;

    /// <summary>Sixteens of columns; 0 where no product reads parts, and nothing may be written here.</summary>
    public int TilesPerRow;

    /// <summary>Base-2 logarithm of the eights of rows in a row tile.</summary>
    public int TileShift;

    /// <summary>True where a product reads parts.</summary>
    public readonly bool IsUsed => TilesPerRow != 0;

    /// <summary>First word of a tile's first core.</summary>
    /// <param name="rowBlock">Eight of rows.</param>
    /// <param name="tile">Sixteen of columns.</param>
    public static int WordOf(int rowBlock, int tile, int tilesPerRow, int tileShift)
    {
        var rowTile = rowBlock >> tileShift;
        var block = rowBlock - (rowTile << tileShift);
        var place = (tile & (RowSplits.Count - 1)) * (tilesPerRow >> SplitShift) + (tile >> SplitShift);
        return (((rowTile * tilesPerRow + place) << tileShift) + block) * (4 * CoreWords);
    }

    /// <summary>
    /// One of two lanes that have columns beside each other: that of the even column writes the upper parts of both, the other the lower
    /// ones, a word each.
    /// </summary>
    /// <param name="column">The lane's.</param>
    /// <param name="value">The lane's.</param>
    /// <param name="beside">The other lane's.</param>
    public readonly void StoreHalfPair(int row, int column, float value, float beside)
    {
        var isOdd = column & 1;
        var low = isOdd == 0 ? value : beside;
        var high = isOdd == 0 ? beside : value;
        var upper = DeviceBFloat16.Pack(low, high);
        var at = WordOfFour(row, column) + ((column >> 1) & 1) * CoreWords + isOdd * RestWords;
        Words[at] = isOdd == 0 ? upper : DeviceBFloat16.PackRest(low, high, upper);
    }

    /// <summary>Writes both parts of four values.</summary>
    /// <param name="column">The first one's, a multiple of four.</param>
    public readonly void StoreFour(int row, int column, in Float4 values)
    {
        // A loop, because what only the simulator runs of splitting is in the text each time it is written.
        var at = WordOfFour(row, column);
        var low = values.X;
        var high = values.Y;
        for (var end = at + RestWords; at < end; at += CoreWords)
        {
            var upper = DeviceBFloat16.Pack(low, high);
            Words[at] = upper;
            Words[at + RestWords] = DeviceBFloat16.PackRest(low, high, upper);
            low = values.Z;
            high = values.W;
        }
    }

    /// <summary>Word of the upper parts of the first two of four columns.</summary>
    private readonly int WordOfFour(int row, int column) =>
        WordOf(row >> 3, column >> 4, TilesPerRow, TileShift) + 4 * (row & 7) + ((column & 15) >> 2);
}

/// <summary>Where a kernel that norms rows puts them besides, and what it does for the product that follows.</summary>
internal struct NormedCoresView
{
    /// <summary>The half-normed rows in parts.</summary>
    public CoreRowsView Rows;

    /// <summary>Second half of the rows' norm, [rows]; see <see cref="NormScale"/>.</summary>
    public ArrayView<float> Scales;

    /// <summary>Counters of the product, which must find zeros.</summary>
    public ArrayView<int> Counts;
}
