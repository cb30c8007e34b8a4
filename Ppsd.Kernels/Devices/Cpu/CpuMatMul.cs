using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Ppsd.Kernels.Devices.Cpu;

/// <summary>
/// y[r] = W x[r] over packed tiles. Each output is one lane: it adds even columns in order into one accumulator, odd
/// columns into another, and their sum is the result. Neither the number of rows, nor the tiles done together, nor
/// the threads change that order, so a row's bits are the same at every width.
/// </summary>
/// <remarks>
/// Several rows go in blocks of fourteen to two (<see cref="MatMulBlocks.RowsOfNext"/>): a column pair of a tile is loaded and
/// converted once for all rows of a block, whose accumulators are enough chains to hide the latency of FMA. A tile and the
/// rows' panels stay in the second-level cache from block to block.
/// </remarks>
[SkipLocalsInit]
internal static unsafe class CpuMatMul
{
    /// <summary>Computes one thread's share of the tiles, for all rows.</summary>
    public static void Execute(in MatMulArguments a, int part, int parts)
    {
        // Whole groups of tiles, so that a lone row always finds its four.
        var groups = (a.Weight.TileCount + MatMulBlocks.TilesOfOneRow - 1) / MatMulBlocks.TilesOfOneRow;
        var (firstGroup, endGroup) = WorkerTeam.Share(groups, part, parts);
        var first = firstGroup * MatMulBlocks.TilesOfOneRow;
        var end = Math.Min(endGroup * MatMulBlocks.TilesOfOneRow, a.Weight.TileCount);
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
        var sums = stackalloc float[MatMulBlocks.MostRows * Lanes.Count];
        var block = new MatMulBlock
        {
            TileBytes = a.Weight.TileBytes,
            Pairs = a.Weight.PairCount,
            Row = a.X.Row(0),
            Sums = sums,
        };
        if (a.Rows == 1)
        {
            for (; firstTile + MatMulBlocks.TilesOfOneRow <= endTile; firstTile += MatMulBlocks.TilesOfOneRow)
            {
                block.Weights = a.Weight.Tile(firstTile);
                MatMulBlocks.OneRow<TPairs>(block);
                Write(a, 0, 1, firstTile, MatMulBlocks.TilesOfOneRow, sums);
            }
        }

        for (var tile = firstTile; tile < endTile; tile++)
        {
            block.Weights = a.Weight.Tile(tile);
            for (var row = 0; row < a.Rows; )
            {
                var rows = MatMulBlocks.RowsOfNext(a.Rows - row);
                block.Panel = a.Panels.Panel(row);
                switch (rows)
                {
                    case 14:
                        MatMulBlocks.FourteenRows<TPairs>(block);
                        break;
                    case 8:
                        MatMulBlocks.EightRows<TPairs>(block);
                        break;
                    case 6:
                        MatMulBlocks.SixRows<TPairs>(block);
                        break;
                    case 4:
                        MatMulBlocks.FourRows<TPairs>(block);
                        break;
                    default:
                        MatMulBlocks.TwoRows<TPairs>(block);
                        break;
                }

                Write(a, row, Math.Min(rows, a.Rows - row), tile, 1, sums);
                row += rows;
            }
        }
    }

    /// <summary>Stores a block's sums, or adds them to what is there.</summary>
    private static void Write(in MatMulArguments a, int firstRow, int rows, int firstTile, int tiles, float* sums)
    {
        for (var row = firstRow; row < firstRow + rows; row++)
        {
            var y = a.Y.Row(row) + (long)firstTile * Lanes.Count;
            for (var tile = 0; tile < tiles; tile++)
            {
                var sum = Vector512.Load(sums);
                (a.Accumulate ? Vector512.Load(y) + sum : sum).Store(y);
                sums += Lanes.Count;
                y += Lanes.Count;
            }
        }
    }
}

/// <summary>Operands of one product, set up once and read by every thread.</summary>
internal readonly struct MatMulArguments(
    CpuActivations x,
    RowPanels panels,
    CpuMatrix weight,
    CpuActivations y,
    int rows,
    bool accumulate
)
{
    public readonly CpuActivations X = x;

    /// <summary>x as blocks of several rows read it.</summary>
    public readonly RowPanels Panels = panels;
    public readonly CpuMatrix Weight = weight;
    public readonly CpuActivations Y = y;
    public readonly int Rows = rows;
    public readonly bool Accumulate = accumulate;
}
