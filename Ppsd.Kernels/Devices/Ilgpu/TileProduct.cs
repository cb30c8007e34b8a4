using ILGPU;

namespace Ppsd.Kernels.Devices.Ilgpu;

/// <summary>
/// The heart of every product with bf16 weights for up to eight rows of x: a group of eight warps owns sixteen outputs.
/// Warp s adds up the tiles s, s + 8, s + 16, ... of its rows, in that order; a total is the warps' sums added in the
/// order of the warps. x, fp32, is split into two bf16 parts, high then low, so sums are nearly those of fp32. The other
/// seven rows of x change nothing in a row's result, and there is no other order at any width.
/// </summary>
internal static class TileProduct
{
    /// <summary>Threads of a group.</summary>
    public const int GroupSize = Splits * GroupSum.WarpSize;

    /// <summary>Warps that share a row's tiles.</summary>
    public const int Splits = 8;

    /// <summary>Loads a lane has in flight.</summary>
    public const int TilesInFlight = 8;

    /// <summary>Words of shared memory the sums take.</summary>
    public const int SharedWords = Splits * TensorCore.ScratchWords;

    /// <summary>Outputs of a group, for all rows of x: what its threads from 0 on then finish.</summary>
    public const int TotalCount = TensorCore.TileRows * TensorCore.Width;

    // Rows of x lie so far apart that neither writing nor reading sums meets a bank twice.
    private const int SumStride = TensorCore.TileRows + 4;

    /// <summary>Orders a warp's first loads of weights, which need nothing from the kernel before.</summary>
    public static WeightBatch FirstBatch(TiledWeights weights) => Load(weights, Group.IdxX / GroupSum.WarpSize);

    /// <summary>The loads after those of <see cref="FirstBatch"/>.</summary>
    public static WeightBatch SecondBatch(TiledWeights weights) =>
        Load(weights, Group.IdxX / GroupSum.WarpSize + Splits * TilesInFlight);

    /// <summary>The row of x that a lane multiplies; lanes beyond the last row repeat it, and nobody reads their sums.</summary>
    /// <param name="rows">Rows of x.</param>
    public static int LaneRow(int rows)
    {
        var row = Grid.IdxY * TensorCore.Width + Group.IdxX % GroupSum.WarpSize / 4;
        return row < rows ? row : rows - 1;
    }

    /// <summary>Leaves the warps' sums in shared memory; ends in a barrier.</summary>
    /// <param name="batch">From <see cref="FirstBatch"/>.</param>
    /// <param name="weights">The matrix.</param>
    /// <param name="x">[rows, stride], four values a load.</param>
    /// <param name="stride">Values from one row to the next.</param>
    /// <param name="rows">Rows of x.</param>
    /// <param name="isCancelled">1 to leave the rest out: nobody will look at the results.</param>
    /// <param name="sums">Shared memory, <see cref="SharedWords"/>.</param>
    public static void Accumulate(
        WeightBatch batch,
        TiledWeights weights,
        ArrayView<Float4> x,
        int stride,
        int rows,
        int isCancelled,
        ArrayView<float> sums
    )
    {
        var lane = Group.IdxX % GroupSum.WarpSize;
        var split = Group.IdxX / GroupSum.WarpSize;
        var scratch = sums.SubView(split * TensorCore.ScratchWords, TensorCore.ScratchWords);
        var at = (long)LaneRow(rows) * (stride / 4) + lane % 4;
        var tiles = isCancelled != 0 ? 0 : weights.TilesPerRow;

        TileSums sum = default;
        sum = Multiply(sum, batch, x, at, split, tiles, scratch);
        for (var tile = split + Splits * TilesInFlight; tile < tiles; tile += Splits * TilesInFlight)
        {
            var next = Load(weights, tile);

            // All loads leave before the first result is waited for; without it they would sink to their use.
            Warp.Barrier();
            sum = Multiply(sum, next, x, at, tile, tiles, scratch);
        }

        Publish(sum, scratch);
    }

    /// <summary>
    /// As above with twice the loads in flight, for matrices of so few rows that two groups a multiprocessor hold them
    /// all; the sums are the same.
    /// </summary>
    /// <param name="first">From <see cref="FirstBatch"/>.</param>
    /// <param name="second">From <see cref="SecondBatch"/>.</param>
    /// <param name="weights">The matrix.</param>
    /// <param name="x">[rows, stride], four values a load.</param>
    /// <param name="stride">Values from one row to the next.</param>
    /// <param name="rows">Rows of x.</param>
    /// <param name="isCancelled">1 to leave the rest out: nobody will look at the results.</param>
    /// <param name="sums">Shared memory, <see cref="SharedWords"/>.</param>
    public static void AccumulateDeep(
        WeightBatch first,
        WeightBatch second,
        TiledWeights weights,
        ArrayView<Float4> x,
        int stride,
        int rows,
        int isCancelled,
        ArrayView<float> sums
    )
    {
        const int BatchTiles = Splits * TilesInFlight;
        var split = Group.IdxX / GroupSum.WarpSize;
        var scratch = sums.SubView(split * TensorCore.ScratchWords, TensorCore.ScratchWords);
        var at = (long)LaneRow(rows) * (stride / 4) + Group.IdxX % 4;
        var tiles = isCancelled != 0 ? 0 : weights.TilesPerRow;

        TileSums sum = default;
        sum = Multiply(sum, first, x, at, split, tiles, scratch);
        sum = Multiply(sum, second, x, at, split + BatchTiles, tiles, scratch);
        for (var tile = split + 2 * BatchTiles; tile < tiles; tile += 2 * BatchTiles)
        {
            var next = Load(weights, tile);
            var afterNext = Load(weights, tile + BatchTiles);
            Warp.Barrier();
            sum = Multiply(sum, next, x, at, tile, tiles, scratch);
            sum = Multiply(sum, afterNext, x, at, tile + BatchTiles, tiles, scratch);
        }

        Publish(sum, scratch);
    }

    /// <summary>A total, after <see cref="Accumulate"/>.</summary>
    /// <param name="sums">Shared memory.</param>
    /// <param name="row">Row of the tile.</param>
    /// <param name="column">Row of x, from the group's first.</param>
    public static float Total(ArrayView<float> sums, int row, int column)
    {
        var at = column * SumStride + row;
        var total = sums[at];
        total = Exact.Add(total, sums[at + TensorCore.ScratchWords]);
        total = Exact.Add(total, sums[at + 2 * TensorCore.ScratchWords]);
        total = Exact.Add(total, sums[at + 3 * TensorCore.ScratchWords]);
        total = Exact.Add(total, sums[at + 4 * TensorCore.ScratchWords]);
        total = Exact.Add(total, sums[at + 5 * TensorCore.ScratchWords]);
        total = Exact.Add(total, sums[at + 6 * TensorCore.ScratchWords]);
        return Exact.Add(total, sums[at + 7 * TensorCore.ScratchWords]);
    }

    /// <summary>Leaves a lane's sums in the warp's shared memory and meets the group.</summary>
    private static void Publish(TileSums sum, ArrayView<float> scratch)
    {
        var lane = Group.IdxX % GroupSum.WarpSize;
        var row = lane / 4;
        var column = 2 * (lane % 4) * SumStride;
        scratch[column + row] = sum.Low0;
        scratch[column + SumStride + row] = sum.Low1;
        scratch[column + row + 8] = sum.High0;
        scratch[column + SumStride + row + 8] = sum.High1;
        Group.Barrier();
    }

    private static WeightBatch Load(TiledWeights weights, int tile)
    {
        var at = (long)Grid.IdxX * weights.TilesPerRow * GroupSum.WarpSize + Group.IdxX % GroupSum.WarpSize;
        var last = weights.TilesPerRow - 1;
        return new WeightBatch
        {
            Tile0 = weights.Loads[at + Clamp(tile, last) * GroupSum.WarpSize],
            Tile1 = weights.Loads[at + Clamp(tile + Splits, last) * GroupSum.WarpSize],
            Tile2 = weights.Loads[at + Clamp(tile + 2 * Splits, last) * GroupSum.WarpSize],
            Tile3 = weights.Loads[at + Clamp(tile + 3 * Splits, last) * GroupSum.WarpSize],
            Tile4 = weights.Loads[at + Clamp(tile + 4 * Splits, last) * GroupSum.WarpSize],
            Tile5 = weights.Loads[at + Clamp(tile + 5 * Splits, last) * GroupSum.WarpSize],
            Tile6 = weights.Loads[at + Clamp(tile + 6 * Splits, last) * GroupSum.WarpSize],
            Tile7 = weights.Loads[at + Clamp(tile + 7 * Splits, last) * GroupSum.WarpSize],
        };
    }

    private static TileSums Multiply(
        TileSums sum,
        WeightBatch batch,
        ArrayView<Float4> x,
        long at,
        int tile,
        int tiles,
        ArrayView<float> scratch
    )
    {
        sum = MultiplyOne(sum, batch.Tile0, x, at, tile, tiles, scratch);
        sum = MultiplyOne(sum, batch.Tile1, x, at, tile + Splits, tiles, scratch);
        sum = MultiplyOne(sum, batch.Tile2, x, at, tile + 2 * Splits, tiles, scratch);
        sum = MultiplyOne(sum, batch.Tile3, x, at, tile + 3 * Splits, tiles, scratch);
        sum = MultiplyOne(sum, batch.Tile4, x, at, tile + 4 * Splits, tiles, scratch);
        sum = MultiplyOne(sum, batch.Tile5, x, at, tile + 5 * Splits, tiles, scratch);
        sum = MultiplyOne(sum, batch.Tile6, x, at, tile + 6 * Splits, tiles, scratch);
        return MultiplyOne(sum, batch.Tile7, x, at, tile + 7 * Splits, tiles, scratch);
    }

    private static TileSums MultiplyOne(
        TileSums sum,
        UInt4 weights,
        ArrayView<Float4> x,
        long at,
        int tile,
        int tiles,
        ArrayView<float> scratch
    )
    {
        // Beyond the last tile zeros are multiplied. No branch and no choice, which would become one: each load of x
        // would wait for the one before.
        var mask = (tile - tiles) >> 31;
        var four = x[at + (tile & mask) * (TensorCore.TileColumns / 4)];
        var high0 = BFloat16.Pack(four.X, four.Y) & (uint)mask;
        var high1 = BFloat16.Pack(four.Z, four.W) & (uint)mask;
        var low0 = BFloat16.PackRest(four.X, four.Y, high0) & (uint)mask;
        var low1 = BFloat16.PackRest(four.Z, four.W, high1) & (uint)mask;
        sum = TensorCore.Multiply(sum, weights, high0, high1, scratch);
        return TensorCore.Multiply(sum, weights, low0, low1, scratch);
    }

    private static int Clamp(int tile, int last) => tile < last ? tile : last;
}

/// <summary>A lane's loads of eight tiles.</summary>
internal struct WeightBatch
{
    public UInt4 Tile0;
    public UInt4 Tile1;
    public UInt4 Tile2;
    public UInt4 Tile3;
    public UInt4 Tile4;
    public UInt4 Tile5;
    public UInt4 Tile6;
    public UInt4 Tile7;
}
