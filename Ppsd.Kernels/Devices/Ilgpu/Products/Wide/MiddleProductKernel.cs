using ILGPU;
using ILGPU.Algorithms;
using ILGPU.Runtime;
using Ppsd.Kernels.Devices.Ilgpu.Buffers;
using Ppsd.Kernels.Devices.Ilgpu.Driver;
using Ppsd.Kernels.Devices.Ilgpu.Lane;
using Ppsd.Kernels.Devices.Ilgpu.Step;

namespace Ppsd.Kernels.Devices.Ilgpu.Products.Wide;

/// <summary>
/// Products with bf16 weights for more rows of x than the narrow ring multiplies at once, and too few for
/// <see cref="WideProductKernel"/> to be busy: decode steps of many sessions. A group owns 64 outputs of 32 rows, and each of
/// its eight warps one split of the columns, as in the narrow product; a total is the warps' sums added in the order of the
/// splits, so bits are the same as there and in the wide product. A matrix is read from memory once; of more than 32 rows the
/// groups that share outputs are neighbours in time, and find the weights in the second-level cache.
/// </summary>
/// <remarks>
/// Versions: this is the first, and no card has timed it. Counted for a layer of a 7B model and 32 rows: as many bytes of x
/// as of weights pass the second-level cache, 0.8 GB, which at 5.5 TB/s are 147 us against 95 for the weights' own way from memory.
/// Held to the narrow product's bits and to the double-precision reference.
/// </remarks>
internal static class MiddleProductKernel
{
    /// <summary>Threads of a group: a warp for each split.</summary>
    public const int GroupSize = RowSplits.Count * GroupSum.WarpSize;

    /// <summary>Words from one row's sums to the next: no two lanes of a store meet in a bank.</summary>
    public const int SumStride = WideTile.Outputs + 4;

    private const int Blocks = 4;

    // A warp's tile of each of four blocks of weights, then of x. A lane copies what it will multiply itself.
    private const int TileLoads = 2 * Blocks * GroupSum.WarpSize;
    private const int StageLoads = RowSplits.Count * TileLoads;
    private const int SplitWords = WideTile.Rows * SumStride;
    private const int SumLoads = RowSplits.Count * SplitWords / 4;

    /// <summary>One group a multiprocessor: its shared memory is the ring's.</summary>
    public static KernelSpecialization Specialization { get; } = new(GroupSize, 1);

    /// <summary>Bytes of shared memory of a group.</summary>
    public static int SharedBytes(int stages) => Loads(stages) * SharedCopy.LoadBytes;

    /// <summary>The launch for a product.</summary>
    public static KernelConfig Grid(int outputBlocks, int rows, int stages) =>
        new(
            new Index2D((rows + WideTile.Rows - 1) / WideTile.Rows, (outputBlocks + Blocks - 1) / Blocks),
            new Index2D(GroupSize, 1),
            SharedMemoryConfig.RequestDynamic<UInt4>(Loads(stages))
        );

    /// <inheritdoc cref="WideProductKernel.Execute" />
    /// <typeparam name="TDepth">How many stages the ring has.</typeparam>
    /// <typeparam name="TResult">What is done to totals.</typeparam>
    public static void Execute<TDepth, TResult>(
        StepState step,
        TiledWeights weights,
        long weightAddress,
        int outputBlocks,
        ArrayView<UInt4> x,
        long xAddress,
        ProductTarget target
    )
        where TDepth : struct, IMiddleDepth
        where TResult : struct, IProductResult
    {
        DependentLaunch.Release();
        var ring = SharedMemory.GetDynamic<UInt4>();
        var lane = Group.IdxX & (GroupSum.WarpSize - 1);
        var split = Group.IdxX >> 5;
        var tiles = weights.TilesPerRow;
        var stride = (long)tiles * GroupSum.WarpSize;
        var outputBlock = ILGPU.Grid.IdxY * Blocks;
        var rowBlock = ILGPU.Grid.IdxX * Blocks;
        var rowBlocks = XMath.Min(((target.Rows + 7) >> 3) - rowBlock, Blocks);
        var sums = new WideTile();
        sums.Begin();
        var start = SharedCopy.Start();
        var own = split * TileLoads + lane;

        // Weights need nothing from the kernel before. A row has whole tiles for every split (Tiles.RoundUp).
        var count = tiles / RowSplits.Count;
        var early = XMath.Min(TDepth.Stages - 1, count);
        for (var stage = 0; stage < early; stage++)
        {
            CopyWeights(
                ring,
                stage * StageLoads + own,
                weights,
                weightAddress,
                outputBlock,
                outputBlocks,
                stride,
                split,
                stage,
                lane
            );
        }

        DependentLaunch.Wait();
        if (step.IsCancelled() != 0)
        {
            SharedCopy.WaitForAll();
            return;
        }

        for (var stage = 0; stage < TDepth.Stages - 1; stage++)
        {
            if (stage < count)
            {
                CopyRows(ring, stage * StageLoads + own, x, xAddress, rowBlock, rowBlocks, stride, split, stage, lane);
            }

            SharedCopy.Commit();
        }

        var slot = 0;
        var next = TDepth.Stages - 1;
        for (var tile = 0; tile < count; tile++)
        {
            SharedCopy.WaitForAllBut(TDepth.Stages - 2);
            if (tile + TDepth.Stages - 1 < count)
            {
                var to = next * StageLoads + own;
                CopyWeights(
                    ring,
                    to,
                    weights,
                    weightAddress,
                    outputBlock,
                    outputBlocks,
                    stride,
                    split,
                    tile + TDepth.Stages - 1,
                    lane
                );
                CopyRows(ring, to, x, xAddress, rowBlock, rowBlocks, stride, split, tile + TDepth.Stages - 1, lane);
            }

            SharedCopy.Commit();
            next = next + 1 == TDepth.Stages ? 0 : next + 1;

            // On the simulator a lane reads what its neighbours copied.
            Warp.Barrier();
            var at = slot * StageLoads + own;
            sums.Accumulate(ring, start, at, at + Blocks * GroupSum.WarpSize);
            Warp.Barrier();
            slot = slot + 1 == TDepth.Stages ? 0 : slot + 1;
        }

        // The sums take the ring's place: all of it must have been read, and no copy may come late.
        SharedCopy.WaitForAll();
        Group.Barrier();
        var words = ring.Cast<float>();
        var first = split * SplitWords;
        sums.StoreSums(words.SubView(first, SplitWords), start + first * sizeof(float), lane);
        Group.Barrier();
        Hand<TResult>(words, target, outputBlock, outputBlocks, rowBlock);
    }

    /// <summary>Adds the splits' sums up, in their order, and hands the totals over, two of a row at a time.</summary>
    private static void Hand<TResult>(
        ArrayView<float> sums,
        in ProductTarget target,
        int outputBlock,
        int outputBlocks,
        int rowBlock
    )
        where TResult : struct, IProductResult
    {
        for (var pair = Group.IdxX; pair < WideTile.Rows * Blocks * 8; pair += GroupSize)
        {
            var output = pair & 7;
            var block = (pair >> 3) & (Blocks - 1);
            var row = pair >> 5;
            if (rowBlock * 8 + row < target.Rows && outputBlock + block < outputBlocks)
            {
                var at = row * SumStride + block * 16 + output;
                var low = sums[at];
                var high = sums[at + 8];
                for (var split = 1; split < RowSplits.Count; split++)
                {
                    low = UnfusedMath.Add(low, sums[at + split * SplitWords]);
                    high = UnfusedMath.Add(high, sums[at + split * SplitWords + 8]);
                }

                ProductResult.Store<TResult>(target, outputBlock + block, output, rowBlock * 8 + row, low, high);
            }
        }
    }

    /// <summary>Blocks past the last repeat it, and nobody takes their sums.</summary>
    private static void CopyWeights(
        ArrayView<UInt4> ring,
        int to,
        TiledWeights weights,
        long address,
        int outputBlock,
        int outputBlocks,
        long stride,
        int split,
        int tile,
        int lane
    )
    {
        var from = (long)(split + tile * RowSplits.Count) * GroupSum.WarpSize + lane;
        for (var block = 0; block < Blocks; block++)
        {
            SharedCopy.Begin(
                ring,
                to + block * GroupSum.WarpSize,
                weights.Loads,
                address,
                XMath.Min(outputBlock + block, outputBlocks - 1) * stride + from
            );
        }
    }

    /// <summary>Rows that do not exist are not copied: what stands in their place changes no other row.</summary>
    private static void CopyRows(
        ArrayView<UInt4> ring,
        int to,
        ArrayView<UInt4> x,
        long address,
        int rowBlock,
        int rowBlocks,
        long stride,
        int split,
        int tile,
        int lane
    )
    {
        var from = (long)(split + tile * RowSplits.Count) * GroupSum.WarpSize + lane;
        for (var block = 0; block < rowBlocks; block++)
        {
            SharedCopy.Begin(
                ring,
                to + (Blocks + block) * GroupSum.WarpSize,
                x,
                address,
                (rowBlock + block) * stride + from
            );
        }
    }

    private static int Loads(int stages) => Math.Max(stages * StageLoads, SumLoads);
}

/// <summary>How far <see cref="MiddleProductKernel"/> copies ahead.</summary>
internal interface IMiddleDepth
{
    /// <summary>Stages of the ring.</summary>
    static abstract int Stages { get; }
}

/// <summary>Where a group may have 192 KB of shared memory.</summary>
internal readonly struct DeepMiddle : IMiddleDepth
{
    public static int Stages => 6;
}

/// <summary>Where it may have 96 KB.</summary>
internal readonly struct ShallowMiddle : IMiddleDepth
{
    public static int Stages => 3;
}
