using ILGPU;
using ILGPU.Runtime;
using Ppsd.Kernels.Devices.Ilgpu.Buffers;
using Ppsd.Kernels.Devices.Ilgpu.Driver;
using Ppsd.Kernels.Devices.Ilgpu.Lane;
using Ppsd.Kernels.Devices.Ilgpu.Products.Wide;
using Ppsd.Kernels.Devices.Ilgpu.Step;

namespace Ppsd.Kernels.Devices.Ilgpu.Products.Warpgroup;

/// <summary>
/// Products with bf16 weights for more rows of x than the narrow ring takes, on the tensor cores of compute capability
/// 9.0 (<c>wgmma</c>). A group owns a multiprocessor and walks through its share of the product (<see cref="TileWalk"/>): tiles of
/// 128 outputs by 32, 64 or 128 rows, and of the tiles that are left over some splits. A split is summed as in every
/// product, and splits are added in their order, so the bits are those of the narrow product.
/// </summary>
/// <remarks>
/// Each of the group's eight warps multiplies sixteen outputs; four of them issue a product together. Weights come from
/// shared memory to registers, in the order in which they lie in memory; rows of x are read by the tensor cores from shared
/// memory, in cores of eight rows by eight columns (<see cref="CoreRowsKernel"/>). Both pass through a ring of stages of four tiles
/// of columns. While one pair of tiles is multiplied the next one is issued; the stage before both is refilled.
/// <para>
/// Of a tile that several groups share, the group with the first split adds up its splits, the others leave each split's sum in
/// memory; who comes last adds all up.
/// </para>
/// <para>Versions; docs/gpu-log.md has the tables:</para>
/// <para>1. Two tiles a stage: half the memory's rate at 16 to 64 rows, because a stage's barrier, wait and addresses are a chain.</para>
/// <para>2. Four tiles a stage: 420 to 560 TFLOP/s from 512 rows on, both parts counted.</para>
/// <para>Tried and given up: x in one bf16 part. Half the products and a third fewer bytes made a prompt of 512 tokens 13 % faster and no
/// more, so a stage's chain of barrier, wait and issue is what holds it; and not all golden results allow it
/// (docs/gpu-notes.md).</para>
/// Shapes, padding and alignment are those of <see cref="WideProductKernel"/>. Reference: ReferenceOps.MatMul of the tests.
/// </remarks>
internal static class WarpgroupProductKernel
{
    /// <summary>Warps of a group, a block of sixteen outputs each.</summary>
    public const int WarpCount = 8;

    /// <summary>Threads of a group.</summary>
    public const int GroupSize = WarpCount * GroupSum.WarpSize;

    /// <summary>
    /// Tiles of columns in a stage: two pairs. A barrier and a wait for each would cost more than what they multiply.
    /// </summary>
    public const int StageTiles = 4;

    /// <summary>Tiles that are multiplied at once; a split has whole pairs, and may end with half a stage.</summary>
    public const int PairTiles = 2;

    /// <summary>Base-2 logarithm of the tiles that a pair takes of all splits, because divisions are slow on a card.</summary>
    private const int PairShift = 4;

    private const int WeightLoads = WarpCount * GroupSum.WarpSize;

    /// <summary>One group a multiprocessor: its shared memory is the ring's.</summary>
    public static KernelSpecialization Specialization { get; } = new(GroupSize, 1);

    /// <summary>Shared memory of a group, in loads: the ring, and a word.</summary>
    public static int SharedLoads<TForm>()
        where TForm : struct, IWarpgroupForm => TForm.Stages * StageLoads<TForm>() + 1;

    /// <param name="weightAddress">Where its loads lie on the card.</param>
    /// <param name="outputBlocks">Sixteens of outputs.</param>
    /// <param name="x">Rows in parts; see <see cref="CoreRowsKernel"/>.</param>
    /// <param name="xAddress">Where they lie on the card.</param>
    /// <param name="schedule">How tiles are shared out.</param>
    /// <param name="partials">What groups leave each other.</param>
    /// <param name="target">Where results go.</param>
    /// <typeparam name="TForm">Rows of a tile.</typeparam>
    /// <typeparam name="TResult">What is done to totals.</typeparam>
    public static void Execute<TForm, TResult>(
        StepState step,
        TiledWeights weights,
        long weightAddress,
        int outputBlocks,
        ArrayView<UInt4> x,
        long xAddress,
        TileSchedule schedule,
        SplitPartials partials,
        ProductTarget target
    )
        where TForm : struct, IWarpgroupForm
        where TResult : struct, IProductResult
    {
        DependentLaunch.Release();
        var ring = SharedMemory.GetDynamic<UInt4>();
        var splitPairs = weights.TilesPerRow >> PairShift;
        var sums = new WarpgroupTile<TForm>();
        sums.Begin();
        var start = SharedCopy.Start();
        var walk = TileWalk.Begin(schedule, Grid.IdxX, TForm.RowBlocks);
        var ahead = StageCopies<TForm>.Begin(
            walk,
            splitPairs,
            weights.TilesPerRow * GroupSum.WarpSize,
            outputBlocks,
            target.Rows
        );

        // Weights need nothing from the kernel before.
        var early = ahead;
        for (var to = Group.IdxX; to < AheadLoads<TForm>(); to += StageLoads<TForm>())
        {
            if (!early.IsDone)
            {
                early.CopyWeights(ring, to, weights.Loads, weightAddress);
                early.Next();
            }
        }

        DependentLaunch.Wait();
        if (step.IsCancelled() != 0)
        {
            SharedCopy.WaitForAll();
            return;
        }

        for (var to = Group.IdxX; to < AheadLoads<TForm>(); to += StageLoads<TForm>())
        {
            if (!ahead.IsDone)
            {
                ahead.CopyRows(ring, to, x, xAddress);
                ahead.Next();
            }

            SharedCopy.Commit();
        }

        var at = 0;
        var free = AheadLoads<TForm>() + Group.IdxX;
        var left = splitPairs;
        while (!walk.IsDone)
        {
            // This stage has arrived, for all threads and the tensor cores; of the products only the last may be at work.
            SharedCopy.WaitForAllBut(TForm.Stages - 3);
            WarpgroupTile<TForm>.Publish();
            WarpgroupTile<TForm>.WaitForAllButLast();
            Group.Barrier();
            sums.MultiplyFirst(ring, start, at + Group.IdxX, at + WeightLoads);
            if (left > 1)
            {
                var second = at + PairTiles * TileLoads<TForm>();
                WarpgroupTile<TForm>.WaitForAllButLast();
                sums.MultiplySecond(ring, start, second + Group.IdxX, second + WeightLoads);
            }

            if (!ahead.IsDone)
            {
                ahead.CopyWeights(ring, free, weights.Loads, weightAddress);
                ahead.CopyRows(ring, free, x, xAddress);
                ahead.Next();
            }

            SharedCopy.Commit();
            at = Following<TForm>(at, 0);
            free = Following<TForm>(free, Group.IdxX);
            left -= 2;
            if (left <= 0)
            {
                EndSplit<TForm, TResult>(ring, ref sums, walk, schedule, partials, target, outputBlocks);
                walk.Next();
                left = splitPairs;
            }
        }
    }

    /// <summary>Loads of a tile of columns.</summary>
    public static int TileLoads<TForm>()
        where TForm : struct, IWarpgroupForm => (WarpCount + TForm.RowBlocks) * GroupSum.WarpSize;

    /// <summary>A split's sums are complete: they join the totals or go to memory, and with the last the tile may be complete.</summary>
    private static void EndSplit<TForm, TResult>(
        ArrayView<UInt4> ring,
        ref WarpgroupTile<TForm> sums,
        in TileWalk walk,
        in TileSchedule schedule,
        in SplitPartials partials,
        in ProductTarget target,
        int outputBlocks
    )
        where TForm : struct, IWarpgroupForm
        where TResult : struct, IProductResult
    {
        WarpgroupTile<TForm>.WaitForAllSums();
        var place = walk.IsShared(schedule) ? walk.Tile : schedule.SharedTiles + Grid.IdxX;
        var first = place * RowSplits.Count;
        if (walk.IsPrefix)
        {
            sums.Take();
            if (walk.EndsSegment)
            {
                sums.StoreTotals(partials, first * TForm.RowBlocks);
            }
        }
        else
        {
            sums.StoreSums(partials, (first + walk.Split) * TForm.RowBlocks);
        }

        if (!walk.EndsSegment)
        {
            return;
        }

        var prefix = RowSplits.Count;
        if (walk.SegmentLength < RowSplits.Count)
        {
            var isLast = ring.SubView(SharedLoads<TForm>() - 1, 1).Cast<int>();
            if (!partials.IsLast(place, walk, isLast))
            {
                return;
            }

            prefix = partials.Prefixes[place];
        }

        Hand<TForm, TResult>(partials, first * TForm.RowBlocks, prefix, walk, schedule, target, outputBlocks);
    }

    /// <summary>Adds up a tile's splits, those of the prefix already added, and hands the totals over.</summary>
    private static void Hand<TForm, TResult>(
        in SplitPartials partials,
        int firstBlock,
        int prefix,
        in TileWalk walk,
        in TileSchedule schedule,
        in ProductTarget target,
        int outputBlocks
    )
        where TForm : struct, IWarpgroupForm
        where TResult : struct, IProductResult
    {
        var lane = Group.IdxX & (GroupSum.WarpSize - 1);
        var outputBlock = walk.FirstOutputBlock + (Group.IdxX >> 5);
        var rowBlock = walk.FirstRowBlock;
        for (var block = 0; block < TForm.RowBlocks; block++)
        {
            if ((rowBlock + block) * 8 < target.Rows)
            {
                var at = (firstBlock + block) * GroupSize + Group.IdxX;
                var total = partials.Sums[at];
                if (prefix < RowSplits.Count)
                {
                    partials.AddRest(at, TForm.RowBlocks * GroupSize, prefix, ref total);
                }

                if (outputBlock < outputBlocks)
                {
                    Store<TResult>(total, target, outputBlock, rowBlock + block, lane);
                }
            }
        }
    }

    private static void Store<TResult>(
        in Float4 total,
        in ProductTarget target,
        int outputBlock,
        int rowBlock,
        int lane
    )
        where TResult : struct, IProductResult
    {
        var row = rowBlock * 8 + (lane & 3) * 2;
        if (row < target.Rows)
        {
            TResult.Store(target, outputBlock, lane >> 2, row, total.X, total.Z);
        }

        if (row + 1 < target.Rows)
        {
            TResult.Store(target, outputBlock, lane >> 2, row + 1, total.Y, total.W);
        }
    }

    private static int StageLoads<TForm>()
        where TForm : struct, IWarpgroupForm => StageTiles * TileLoads<TForm>();

    /// <summary>Loads of the stages that are copied ahead; two more are multiplied.</summary>
    private static int AheadLoads<TForm>()
        where TForm : struct, IWarpgroupForm => (TForm.Stages - 2) * StageLoads<TForm>();

    /// <summary>The same place in the following stage. No branch: the loop has few other instructions.</summary>
    private static int Following<TForm>(int at, int first)
        where TForm : struct, IWarpgroupForm
    {
        var next = at + StageLoads<TForm>();
        var isInside = (next - TForm.Stages * StageLoads<TForm>() - first) >> 31;
        return (next & isInside) | (first & ~isInside);
    }
}
