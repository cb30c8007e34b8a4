using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Ppsd.Kernels.Devices.Cpu;

/// <summary>
/// y[r] = W x[r] over packed tiles. Each output is one lane: it adds even columns in order into one accumulator, odd
/// columns into another, and their sum is the result. Neither the number of rows, nor the tiles done together, nor
/// the threads change that order, so a row's bits are the same at every width.
/// </summary>
/// <remarks>
/// Several rows go in blocks of fourteen to two (<see cref="RowPanels.RowsOfNext"/>): a column pair of a tile is loaded and
/// converted once for all rows of a block, whose accumulators are enough chains to hide the latency of FMA. Where there are several
/// blocks they go through some of the columns together, so that these stay in the first-level cache from block to block.
/// </remarks>
[SkipLocalsInit]
internal static unsafe class CpuMatMul
{
    /// <summary>Column pairs that several blocks of rows go through together: 8 KiB of a bf16 tile and as much of a panel.</summary>
    private const int PairsTogether = 128;

    /// <summary>Most rows whose sums are held while a tile's columns are added.</summary>
    private const int MostRowsTogether = 64;

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
        if (a.Rows == 1)
        {
            firstTile = ExecuteOneRow<TPairs>(a, firstTile, endTile);
        }

        var sums = stackalloc float[MostRowsTogether * 2 * Lanes.Count];
        for (var tile = firstTile; tile < endTile; tile++)
        {
            for (var row = 0; row < a.Rows; )
            {
                row = ExecuteTile<TPairs>(a, tile, row, sums);
            }
        }
    }

    /// <summary>Computes whole groups of tiles for a lone row.</summary>
    /// <returns>The first tile that is left.</returns>
    private static int ExecuteOneRow<TPairs>(in MatMulArguments a, int firstTile, int endTile)
        where TPairs : struct, IWeightPairs
    {
        var sums = stackalloc float[MatMulBlocks.TilesOfOneRow * Lanes.Count];
        var block = new MatMulBlock
        {
            TileBytes = a.Weight.TileBytes,
            Pairs = a.Weight.PairCount,
            Row = a.X.Row(0),
            Sums = sums,
        };
        for (; firstTile + MatMulBlocks.TilesOfOneRow <= endTile; firstTile += MatMulBlocks.TilesOfOneRow)
        {
            block.Weights = a.Weight.Tile(firstTile);
            if (Vector512.IsHardwareAccelerated)
            {
                MatMulBlocks.OneRow<TPairs>(block);
            }
            else
            {
                MatMulBlocks256.OneRow<TPairs>(block);
            }

            var y = a.Y.Row(0) + (long)firstTile * Lanes.Count;
            for (var i = 0; i < MatMulBlocks.TilesOfOneRow * Lanes.Count; i += Lanes.Count)
            {
                Write(a, y + i, Vector512.Load(sums + i));
            }
        }

        return firstTile;
    }

    /// <summary>Computes one tile for as many rows as go together.</summary>
    /// <returns>The first row that is left.</returns>
    private static int ExecuteTile<TPairs>(in MatMulArguments a, int tile, int firstRow, float* sums)
        where TPairs : struct, IWeightPairs
    {
        var (blocks, rows) = (0, 0);
        for (int next; firstRow + rows < a.Rows; rows += next, blocks++)
        {
            next = RowPanels.RowsOfNext(a.Rows - firstRow - rows);
            if (rows + next > MostRowsTogether)
            {
                break;
            }
        }

        new Span<float>(sums, rows * 2 * Lanes.Count).Clear();
        // Vectors of 256 bits go through a tile twice.
        var isOnce = blocks == 1 && Vector512.IsHardwareAccelerated;
        var pairsTogether = isOnce ? a.Weight.PairCount : PairsTogether;
        for (var pair = 0; pair < a.Weight.PairCount; pair += pairsTogether)
        {
            for (var row = 0; row < rows; )
            {
                var next = RowPanels.RowsOfNext(a.Rows - firstRow - row);
                AddRows<TPairs>(
                    new MatMulBlock
                    {
                        Weights = a.Weight.Tile(tile) + (long)pair * TPairs.Bytes,
                        Pairs = Math.Min(pairsTogether, a.Weight.PairCount - pair),
                        Panel = a.Panels.Panel(firstRow + row) + (long)pair * 2 * next,
                        Sums = sums + row * 2 * Lanes.Count,
                    },
                    next
                );
                row += next;
            }
        }

        var end = Math.Min(firstRow + rows, a.Rows);
        for (var row = firstRow; row < end; row++)
        {
            Write(
                a,
                a.Y.Row(row) + (long)tile * Lanes.Count,
                Vector512.Load(sums) + Vector512.Load(sums + Lanes.Count)
            );
            sums += 2 * Lanes.Count;
        }

        return end;
    }

    private static void AddRows<TPairs>(in MatMulBlock block, int rows)
        where TPairs : struct, IWeightPairs
    {
        switch (rows)
        {
            case 14:
                MatMulBlocks.FourteenRows<TPairs>(block);
                break;
            case 8:
                MatMulBlocks.EightRows<TPairs>(block);
                break;
            case 6 when Vector512.IsHardwareAccelerated:
                MatMulBlocks.SixRows<TPairs>(block);
                break;
            case 6:
                MatMulBlocks256.SixRows<TPairs>(block);
                break;
            case 4 when Vector512.IsHardwareAccelerated:
                MatMulBlocks.FourRows<TPairs>(block);
                break;
            case 4:
                MatMulBlocks256.FourRows<TPairs>(block);
                break;
            default:
                MatMulBlocks.TwoRows<TPairs>(block);
                break;
        }
    }

    /// <summary>Stores results, or adds them to what is there.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Write(in MatMulArguments a, float* y, Vector512<float> sum) =>
        (a.Accumulate ? Vector512.Load(y) + sum : sum).Store(y);
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
