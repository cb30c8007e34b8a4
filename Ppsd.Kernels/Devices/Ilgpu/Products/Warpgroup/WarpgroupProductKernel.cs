using ILGPU;
using ILGPU.Runtime;
using ILGPU.Runtime.Cuda;
using Ppsd.Kernels.Devices.Ilgpu.Buffers;
using Ppsd.Kernels.Devices.Ilgpu.Driver;
using Ppsd.Kernels.Devices.Ilgpu.Lane;
using Ppsd.Kernels.Devices.Ilgpu.Products.Wide;
using Ppsd.Kernels.Devices.Ilgpu.Rows;
using Ppsd.Kernels.Devices.Ilgpu.Step;

namespace Ppsd.Kernels.Devices.Ilgpu.Products.Warpgroup;

/// <summary>
/// Products with bf16 weights for more rows of x than the narrow ring takes, on the tensor cores of compute capability
/// 9.0 (<c>wgmma</c>). A group owns a multiprocessor and walks through its share of the product (<see cref="TileWalk"/>): tiles of
/// 128 outputs by 32, 64 or 128 rows, and of the tiles that are left over some splits. A split is summed as in every
/// product, and splits are added in their order, so the bits are those of the narrow product.
/// </summary>
/// <remarks>
/// Each of the group's eight warps multiplies sixteen outputs; four of them issue a product together. Operands pass through a ring of
/// stages of four tiles of columns; one thread of a warp refills one by two copies, a box of weights and a stretch of rows
/// (<see cref="StageCopies{TForm}"/>); barriers in shared memory say what has arrived and what may be copied over
/// (<see cref="RingPlace{TForm}"/>). Weights come from shared memory to registers, in the order in which they lie in memory; rows of x
/// are read by the tensor cores from shared memory, in cores of eight rows by eight columns (<see cref="CoreRowsKernel"/>). While
/// one pair of tiles is multiplied the next one is issued.
/// <para>
/// Of a tile that several groups share, the group with the first split adds up its splits, the others leave each split's sum in
/// memory; who comes last adds all up.
/// </para>
/// <para>Versions; docs/gpu-log.md has the tables:</para>
/// <para>1. Two tiles a stage: half the memory's rate at 16 to 64 rows, because a stage's barrier, wait and addresses are a chain.</para>
/// <para>2. Four tiles a stage: 420 to 560 TFLOP/s from 512 rows on, both parts counted.</para>
/// <para>3. Bulk copies and barriers in shared memory: those who multiply have no addresses to work out, no fence and no barrier of
/// all to wait for.</para>
/// <para>4. Results of four blocks of rows at once, all read before any is written: one after another they took as long as the
/// products of a tile.</para>
/// <para>Tried and given up: copies of 512 bytes, slower than threads that copy. A warp that only copies: warps get registers by
/// fours, 168 a thread are left (setmaxnreg changes nothing), sums spill, and the compiler then waits after each product.</para>
/// <para>Tried and given up: x in one bf16 part. Half the products and a third fewer bytes made a prompt of 512 tokens 13 % faster and no
/// more, and not all golden results allow it (docs/gpu-notes.md).</para>
/// Shapes, padding and alignment are those of <see cref="WideProductKernel"/>. Reference: ReferenceOps.MatMul of the tests.
/// </remarks>
internal static class WarpgroupProductKernel
{
    /// <summary>Warps of a group, a block of sixteen outputs each.</summary>
    public const int WarpCount = IlgpuTiledMatrix.CopiedBlocks;

    /// <summary>Threads of a group.</summary>
    public const int GroupSize = WarpCount * GroupSum.WarpSize;

    /// <summary>Tiles of columns in a stage: two pairs. A wait for each would cost more than what they multiply.</summary>
    public const int StageTiles = IlgpuTiledMatrix.CopiedTiles;

    /// <summary>Loads of weights in a stage; its rows follow.</summary>
    public const int WeightLoads = StageTiles * GroupSize;

    /// <summary>Tiles that are multiplied at once; a split has whole pairs, and may end with half a stage.</summary>
    public const int PairTiles = 2;

    /// <summary>Base-2 logarithm of the tiles that a pair takes of all splits, because divisions are slow on a card.</summary>
    private const int PairShift = 4;

    /// <summary>One group a multiprocessor: its shared memory is the ring's.</summary>
    public static KernelSpecialization Specialization { get; } = new(GroupSize, 1);

    /// <summary>Shared memory of a group, in loads: the ring, two barriers a stage, and a word.</summary>
    public static int SharedLoads<TForm>()
        where TForm : struct, IWarpgroupForm => TForm.Stages * StageLoads<TForm>() + TForm.Stages + 1;

    /// <param name="weightMap">Their description for copies (<see cref="IlgpuTiledMatrix.Map"/>); 0 on the simulator.</param>
    /// <param name="outputBlocks">Sixteens of outputs.</param>
    /// <param name="x">Rows in parts; see <see cref="CoreRowsView"/>.</param>
    /// <param name="xAddress">Where they lie on the card.</param>
    /// <param name="schedule">How tiles are shared out.</param>
    /// <param name="partials">What groups leave each other.</param>
    /// <param name="target">Where results go.</param>
    /// <typeparam name="TForm">Rows of a tile.</typeparam>
    /// <typeparam name="TResult">What is done to totals.</typeparam>
    public static void Execute<TForm, TResult>(
        StepState step,
        TiledWeights weights,
        long weightMap,
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
        var word = ring.SubView(SharedLoads<TForm>() - 1, 1).Cast<int>();
        var start = SharedCopy.Start();
        var splitPairs = weights.TilesPerRow >> PairShift;
        var sums = new WarpgroupTile<TForm>();
        sums.Begin();
        var walk = TileWalk.Begin(schedule, Grid.IdxX, TForm.RowBlocks);
        var copies = StageCopies<TForm>.Begin(walk, weights.TilesPerRow);
        var warp = Group.IdxX >> 5;
        var leads = (Group.IdxX & (GroupSum.WarpSize - 1)) == 0;
        if (Group.IdxX == 0)
        {
            RingPlace<TForm>.Begin(start).InitializeBarriers();
        }

        Group.Barrier();

        // Weights need nothing from the kernel before.
        var refill = RingPlace<TForm>.Begin(start);
        var stages = 0;
        var ahead = copies;
        if (leads)
        {
            BulkCopy.AcquireMap(weightMap);
        }

        for (; stages < TForm.Stages && !ahead.IsDone; stages++)
        {
            if (IsCopying(leads, warp, stages))
            {
                SharedBarrier.ArriveExpecting(refill.Full, ahead.Bytes);
                ahead.CopyWeights(ring, start, refill, weights.Loads, outputBlocks, weightMap);
            }

            ahead.Next();
            refill.Next();
        }

        DependentLaunch.Wait();
        if (Grid.IdxX == 0)
        {
            PartialCounts.Clear(partials.NextCounts, GroupSize);
        }

        var place = RingPlace<TForm>.Begin(start);
        for (var i = 0; i < stages; i++)
        {
            if (IsCopying(leads, warp, i))
            {
                copies.CopyRows(ring, start, place, x, xAddress);
            }

            copies.Next();
            place.Next();
        }

        // One warp asks for all: nobody may wait for what another one does not do.
        var isCancelled = step.IsCancelled();
        if (Group.IdxX == 0)
        {
            word[0] = isCancelled;
        }

        Group.Barrier();
        place = RingPlace<TForm>.Begin(start);
        if (word[0] != 0)
        {
            WaitForCopies(place, stages);
            return;
        }

        var other = Group.IdxX & (GroupSum.WarpSize - 1);
        var stage = 0;
        var before = place.Free;
        while (!walk.IsDone)
        {
            // A loop of its own, behind which all products are waited for: where the compiler has to add a wait it adds one to
            // every product.
            var isMultiplied = 0;
            var left = splitPairs;
            while (left > 0)
            {
                place.WaitForFull();
                TakeTurns();

                // Of the stage before only the second pair may be at work, whose weights are in other registers.
                var at = place.Load;
                WarpgroupTile<TForm>.WaitForAllButLast();
                sums.MultiplyFirst(ring, start, at + Group.IdxX, at + WeightLoads);
                WarpgroupTile<TForm>.WaitForAllButLast();
                SharedBarrier.ArriveUnless(before, other | (isMultiplied ^ 1));
                if (left > 1)
                {
                    sums.MultiplySecond(
                        ring,
                        start,
                        at + PairTiles * GroupSize + Group.IdxX,
                        at + WeightLoads + PairTiles * TForm.RowBlocks * GroupSum.WarpSize
                    );
                }

                // Others may still be at work on the stage before, but hardly on the one before that.
                if (stage > 1 && !copies.IsDone)
                {
                    if (IsCopying(leads, warp, stage))
                    {
                        refill.WaitForFree();
                        SharedBarrier.ArriveExpecting(refill.Full, copies.Bytes);
                        copies.CopyWeights(ring, start, refill, weights.Loads, outputBlocks, weightMap);
                        copies.CopyRows(ring, start, refill, x, xAddress);
                    }

                    copies.Next();
                    refill.Next();
                }

                stage++;
                isMultiplied = 1;
                before = place.Free;
                place.Next();
                left -= 2;
            }

            WarpgroupTile<TForm>.WaitForAllSums();
            SharedBarrier.ArriveUnless(before, other);
            EndSplit<TForm, TResult>(word, sums, walk, schedule, partials, target, outputBlocks);
            sums.ClearSums();
            if (walk.EndsSegment)
            {
                sums.ClearTotals();
            }

            walk.Next();
        }
    }

    /// <summary>
    /// Warps take turns at filling stages: who fills one multiplies late, and all wait for the slowest. On the simulator every thread
    /// copies its share.
    /// </summary>
    private static bool IsCopying(bool leads, int warp, int stage) =>
        !CudaAsm.IsSupported || (leads && warp == (stage & (WarpCount - 1)));

    /// <summary>Loads of a stage.</summary>
    public static int StageLoads<TForm>()
        where TForm : struct, IWarpgroupForm => WeightLoads + StageTiles * TForm.RowBlocks * GroupSum.WarpSize;

    /// <summary>A group's memory is somebody else's when its last thread has ended.</summary>
    private static void WaitForCopies<TForm>(RingPlace<TForm> place, int stages)
        where TForm : struct, IWarpgroupForm
    {
        for (var i = 0; i < stages; i++)
        {
            place.WaitForFull();
            place.Next();
        }
    }

    /// <summary>
    /// On the simulator, which has no barriers in shared memory, no warp is a stage ahead of another: what was copied is seen, and
    /// what is copied over has been multiplied.
    /// </summary>
    private static void TakeTurns()
    {
        if (!CudaAsm.IsSupported)
        {
            Group.Barrier();
        }
    }

    /// <summary>A split's sums are complete: they join the totals or go to memory, and with the last the tile may be complete.</summary>
    private static void EndSplit<TForm, TResult>(
        ArrayView<int> word,
        WarpgroupTile<TForm> sums,
        in TileWalk walk,
        in TileSchedule schedule,
        in SplitPartials partials,
        in ProductTarget target,
        int outputBlocks
    )
        where TForm : struct, IWarpgroupForm
        where TResult : struct, IProductResult
    {
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
            if (!partials.IsLast(place, walk, word))
            {
                return;
            }

            prefix = partials.Prefixes[place];
        }

        Hand<TForm, TResult>(partials, first * TForm.RowBlocks, prefix, walk, target, outputBlocks);
    }

    /// <summary>Adds up a tile's splits, those of the prefix already added, and hands the totals over.</summary>
    private static void Hand<TForm, TResult>(
        in SplitPartials partials,
        int firstBlock,
        int prefix,
        in TileWalk walk,
        in ProductTarget target,
        int outputBlocks
    )
        where TForm : struct, IWarpgroupForm
        where TResult : struct, IProductResult
    {
        var outputBlock = walk.FirstOutputBlock + (Group.IdxX >> 5);
        for (var block = 0; block < TForm.RowBlocks; block += 4)
        {
            if ((walk.FirstRowBlock + block) * 8 < target.Rows && outputBlock < outputBlocks)
            {
                HandFour<TForm, TResult>(
                    partials,
                    firstBlock + block,
                    prefix,
                    outputBlock,
                    walk.FirstRowBlock + block,
                    target
                );
            }
        }
    }

    /// <summary>
    /// Four blocks of rows. All that is read is read before anything is written: one after another each would wait for
    /// memory, and a tile's results took longer than its products.
    /// </summary>
    private static void HandFour<TForm, TResult>(
        in SplitPartials partials,
        int firstBlock,
        int prefix,
        int outputBlock,
        int rowBlock,
        in ProductTarget target
    )
        where TForm : struct, IWarpgroupForm
        where TResult : struct, IProductResult
    {
        var lane = Group.IdxX & (GroupSum.WarpSize - 1);
        var output = lane >> 2;
        var row = rowBlock * 8 + (lane & 3) * 2;
        var at = firstBlock * GroupSize + Group.IdxX;
        var first = partials.Sums[at];
        var second = partials.Sums[at + GroupSize];
        var third = partials.Sums[at + 2 * GroupSize];
        var fourth = partials.Sums[at + 3 * GroupSize];
        var firstEven = TResult.Read(target, outputBlock, output, row);
        var firstOdd = TResult.Read(target, outputBlock, output, row + 1);
        var secondEven = TResult.Read(target, outputBlock, output, row + 8);
        var secondOdd = TResult.Read(target, outputBlock, output, row + 9);
        var thirdEven = TResult.Read(target, outputBlock, output, row + 16);
        var thirdOdd = TResult.Read(target, outputBlock, output, row + 17);
        var fourthEven = TResult.Read(target, outputBlock, output, row + 24);
        var fourthOdd = TResult.Read(target, outputBlock, output, row + 25);
        Warp.Barrier();
        if (prefix < RowSplits.Count)
        {
            const int Step = GroupSize;
            partials.AddRest(at, TForm.RowBlocks * Step, Step, prefix, ref first, ref second);
            partials.AddRest(at + 2 * Step, TForm.RowBlocks * Step, Step, prefix, ref third, ref fourth);
        }

        TResult.Write(target, outputBlock, output, row, first.X, first.Z, firstEven);
        TResult.Write(target, outputBlock, output, row + 1, first.Y, first.W, firstOdd);
        TResult.Write(target, outputBlock, output, row + 8, second.X, second.Z, secondEven);
        TResult.Write(target, outputBlock, output, row + 9, second.Y, second.W, secondOdd);
        TResult.Write(target, outputBlock, output, row + 16, third.X, third.Z, thirdEven);
        TResult.Write(target, outputBlock, output, row + 17, third.Y, third.W, thirdOdd);
        TResult.Write(target, outputBlock, output, row + 24, fourth.X, fourth.Z, fourthEven);
        TResult.Write(target, outputBlock, output, row + 25, fourth.Y, fourth.W, fourthOdd);
    }
}
