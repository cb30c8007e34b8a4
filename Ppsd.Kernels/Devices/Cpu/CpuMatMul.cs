using System.Runtime.Intrinsics;

namespace Ppsd.Kernels.Devices.Cpu;

/// <summary>
/// y[r] = W x[r] over packed tiles. Each output is one lane: it adds even columns in order into one accumulator, odd
/// columns into another, and their sum is the result. Neither the number of rows, nor the tiles done together, nor
/// the threads change that order, so a row's bits are the same at every width.
/// </summary>
/// <remarks>
/// Rows go in blocks of eight, four and two: a column pair of a tile is loaded and converted once for all rows of a block,
/// and the block's accumulators fill half the registers of AVX-512, enough chains to hide the latency of FMA. A tile stays
/// in the first-level cache from block to block. Without AVX-512 blocks of more than two rows would spill.
/// Measured on one core of an EPYC (Zen 4), 1408x256 bf16: 8.4 us for one row, 49 us for eight, 59 G multiply-adds/s, which
/// is one 512-bit FMA a cycle.
/// </remarks>
internal static unsafe class CpuMatMul
{
    /// <summary>Computes one thread's share of the tiles, for all rows.</summary>
    public static void Execute(in MatMulArguments a, int part, int parts)
    {
        // Whole groups of tiles, so that a lone row always finds its four.
        var groups = (a.Weight.TileCount + MatMulBlocks.TilesOfOneRow - 1) / MatMulBlocks.TilesOfOneRow;
        var first = (int)((long)groups * part / parts) * MatMulBlocks.TilesOfOneRow;
        var end = Math.Min((int)((long)groups * (part + 1) / parts) * MatMulBlocks.TilesOfOneRow, a.Weight.TileCount);
        if (a.Weight.IsBFloat16)
        {
            Execute<BFloat16Pairs>(a, first, end);
        }
        else
        {
            Execute<Float32Pairs>(a, first, end);
        }
    }

    private static void Execute<TPairs>(in MatMulArguments a, int firstTile, int endTile)
        where TPairs : struct, IWeightPairs
    {
        var widest = Vector512.IsHardwareAccelerated ? 8 : 2;
        if (a.Rows == 1)
        {
            for (; firstTile + MatMulBlocks.TilesOfOneRow <= endTile; firstTile += MatMulBlocks.TilesOfOneRow)
            {
                MatMulBlocks.OneRow<TPairs>(BlockOf(a, firstTile, 0));
            }
        }

        for (var tile = firstTile; tile < endTile; tile++)
        {
            for (var row = 0; row < a.Rows; )
            {
                var block = BlockOf(a, tile, row);
                switch (Math.Min(widest, a.Rows - row))
                {
                    case >= 8:
                        MatMulBlocks.EightRows<TPairs>(block);
                        row += 8;
                        break;
                    case >= 4:
                        MatMulBlocks.FourRows<TPairs>(block);
                        row += 4;
                        break;
                    case >= 2:
                        MatMulBlocks.TwoRows<TPairs>(block);
                        row += 2;
                        break;
                    default:
                        MatMulBlocks.OneTile<TPairs>(block);
                        row++;
                        break;
                }
            }
        }
    }

    private static MatMulBlock BlockOf(in MatMulArguments a, int tile, int row) =>
        new()
        {
            Weights = a.Weight.Tile(tile),
            TileBytes = a.Weight.TileBytes,
            Pairs = a.Weight.PairCount,
            X = a.X.Row(row),
            XStride = a.X.Stride,
            Y = a.Y.Row(row) + (long)tile * Lanes.Count,
            YStride = a.Y.Stride,
            Accumulate = a.Accumulate,
        };
}

/// <summary>Operands of one product, set up once and read by every thread.</summary>
internal readonly struct MatMulArguments(
    CpuActivations x,
    CpuMatrix weight,
    CpuActivations y,
    int rows,
    bool accumulate
)
{
    public readonly CpuActivations X = x;
    public readonly CpuMatrix Weight = weight;
    public readonly CpuActivations Y = y;
    public readonly int Rows = rows;
    public readonly bool Accumulate = accumulate;
}
