using ILGPU;
using ILGPU.Algorithms;
using ILGPU.Runtime;
using Ppsd.Kernels.Devices.Ilgpu.Buffers;
using Ppsd.Kernels.Devices.Ilgpu.Driver;
using Ppsd.Kernels.Devices.Ilgpu.Lane;
using Ppsd.Kernels.Devices.Ilgpu.Products.Narrow;
using Ppsd.Kernels.Devices.Ilgpu.Step;

namespace Ppsd.Kernels.Devices.Ilgpu.Products.Wide;

/// <summary>
/// Products with bf16 weights for many rows of x (a chunk of a prompt), on tensor cores: the bits of
/// <see cref="ProductRing{TForm}"/>, row for row, at the speed of the arithmetic. A warp owns 64 outputs of 32 rows and walks all
/// tiles of columns, split after split: an output is the same eight chains, added in the same order, as the eight warps
/// that share it in the narrow product.
/// </summary>
/// <remarks>
/// Shapes, padding and alignment are those of <see cref="ProductKernels"/>; results are bit-identical to it. Reference:
/// ReferenceOps.MatMul of the tests.
/// <para>Versions, with 512 rows by all products of 32 layers of LLaMA-2-7B on an H200; docs/gpu-log.md has the tables:</para>
/// <para>1. Operands from memory to registers, one tile ahead, 67.8 ms: waits for memory.</para>
/// <para>2. A ring of four tiles in shared memory, 103.1 ms: three <c>%</c> a tile cost more than its products.</para>
/// <para>3. Shifts for divisions, a loop count that is uniform for the compiler, 53.3 ms.</para>
/// <para>4. Two tiles a stage, half as many barriers, a tile in one piece of assembly: a prefill of 512 tokens takes 52.2 ms
/// instead of 61.5, and the kernel compiles in 0.12 s instead of 2.2.</para>
/// Operands pass through a ring of <see cref="StageCount"/> stages in shared memory, copied there three stages ahead; every
/// warp of the group reads its part of a tile from the ring.
/// </remarks>
internal static class WideProductKernel
{
    /// <summary>Threads of a group.</summary>
    public const int GroupSize = OutputWarps * RowWarps * GroupSum.WarpSize;

    /// <summary>Outputs of a group.</summary>
    public const int Outputs = OutputWarps * WideTile.Outputs;

    /// <summary>Rows of x of a group.</summary>
    public const int Rows = RowWarps * WideTile.Rows;

    private const int OutputWarps = 2;
    private const int RowWarps = 4;
    private const int StageCount = 4;

    // Two tiles a stage: while one is multiplied the other's operands are read, and there is half as often a barrier.
    private const int StageTiles = 2;
    private const int WeightBlocks = Outputs / 16;
    private const int RowBlocks = Rows / 8;
    private const int TileLoads = (WeightBlocks + RowBlocks) * GroupSum.WarpSize;

    /// <summary>One group a multiprocessor: a thread may have all the registers it can address.</summary>
    public static KernelSpecialization Specialization { get; } = new(GroupSize, 1);

    /// <summary>Bytes of shared memory of a group.</summary>
    public const int SharedBytes = StageCount * StageTiles * TileLoads * SharedCopy.LoadBytes;

    /// <summary>Shared memory of a group.</summary>
    public static SharedMemoryConfig SharedMemory { get; } =
        SharedMemoryConfig.RequestDynamic<UInt4>(StageCount * StageTiles * TileLoads);

    /// <summary>The launch for a product; groups of rows are neighbours in time, so that weights are read once.</summary>
    public static KernelConfig Grid(int outputBlocks, int rows) =>
        new(
            new Index2D((rows + Rows - 1) / Rows, (outputBlocks + WeightBlocks - 1) / WeightBlocks),
            new Index2D(GroupSize, 1),
            SharedMemory
        );

    /// <param name="weightAddress">Where its loads lie on the card: copies to shared memory take addresses.</param>
    /// <param name="outputBlocks">Sixteens of outputs.</param>
    /// <param name="x">Rows in parts, [row blocks of 8, tilesPerRow, 32]; see <see cref="RowPackKernel"/>.</param>
    /// <param name="xAddress">Where they lie on the card.</param>
    /// <param name="target">Where results go.</param>
    public static void Execute<TResult>(
        StepState step,
        TiledWeights weights,
        long weightAddress,
        int outputBlocks,
        ArrayView<UInt4> x,
        long xAddress,
        ProductTarget target
    )
        where TResult : struct, IProductResult
    {
        DependentLaunch.Release();
        DependentLaunch.Wait();
        if (step.IsCancelled() != 0)
        {
            return;
        }

        var ring = ILGPU.SharedMemory.GetDynamic<UInt4>();
        var lane = Group.IdxX & (GroupSum.WarpSize - 1);
        var warp = Group.IdxX >> 5;
        var tiles = weights.TilesPerRow;
        var firstOutputBlock = ILGPU.Grid.IdxY * WeightBlocks;
        var firstRowBlock = ILGPU.Grid.IdxX * RowBlocks;
        var rowBlocks = (target.Rows + 7) >> 3;

        // A thread copies one load of a block of weights and one of each of two blocks of rows; blocks past the last
        // repeat it, and their sums are not used.
        var stride = (long)tiles * GroupSum.WarpSize;
        var weightAt = XMath.Min(firstOutputBlock + warp, outputBlocks - 1) * stride + lane;
        var firstAt = XMath.Min(firstRowBlock + warp, rowBlocks - 1) * stride + lane;
        var secondAt = XMath.Min(firstRowBlock + warp + WeightBlocks, rowBlocks - 1) * stride + lane;

        var outputBlock = firstOutputBlock + (warp & 1) * 4;
        var rowBlock = firstRowBlock + (warp >> 1) * 4;
        var weightsIn = (warp & 1) * 4 * GroupSum.WarpSize + lane;
        var rowsIn = (WeightBlocks + (warp >> 1) * 4) * GroupSum.WarpSize + lane;

        var sums = new WideTile();
        sums.Begin();
        var start = SharedCopy.Start();

        // What steers the loop is the same for all threads and known to be: in branches that may part a warp every product
        // would wait for its lanes first. A row has whole stages, a split of it too (Tiles.RoundUp).
        var ahead = new SplitOrder();
        var next = 0;
        for (; next < StageCount - 1; next++)
        {
            if (next * StageTiles < tiles)
            {
                Copy(
                    ring,
                    next,
                    ref ahead,
                    tiles,
                    weights.Loads,
                    weightAddress,
                    weightAt,
                    x,
                    xAddress,
                    firstAt,
                    secondAt
                );
            }

            SharedCopy.Commit();
        }

        var order = new SplitOrder();
        for (var stage = 0; stage * StageTiles < tiles; stage++)
        {
            SharedCopy.WaitForAllBut(StageCount - 2);
            Group.Barrier();
            if (next * StageTiles < tiles)
            {
                var to = next & (StageCount - 1);
                Copy(
                    ring,
                    to,
                    ref ahead,
                    tiles,
                    weights.Loads,
                    weightAddress,
                    weightAt,
                    x,
                    xAddress,
                    firstAt,
                    secondAt
                );
            }

            SharedCopy.Commit();
            next++;
            var at = (stage & (StageCount - 1)) * StageTiles * TileLoads;
            sums.Accumulate(ring, start, at + weightsIn, at + rowsIn);
            sums.Accumulate(ring, start, at + TileLoads + weightsIn, at + TileLoads + rowsIn);
            order.Next(tiles);
            order.Next(tiles);
            if (order.BeginsSplit)
            {
                sums.Take();
            }
        }

        if (rowBlock < rowBlocks && outputBlock < outputBlocks)
        {
            sums.Store<TResult>(target, outputBlock, rowBlock, lane);
        }
    }

    private static void Copy(
        ArrayView<UInt4> ring,
        int stage,
        ref SplitOrder order,
        int tiles,
        ArrayView<UInt4> weights,
        long weightAddress,
        long weightAt,
        ArrayView<UInt4> x,
        long xAddress,
        long firstAt,
        long secondAt
    )
    {
        var to = stage * StageTiles * TileLoads + Group.IdxX;
        for (var i = 0; i < StageTiles; i++)
        {
            var from = order.Tile * GroupSum.WarpSize;
            SharedCopy.Begin(ring, to, weights, weightAddress, weightAt + from);
            SharedCopy.Begin(ring, to + GroupSize, x, xAddress, firstAt + from);
            SharedCopy.Begin(ring, to + 2 * GroupSize, x, xAddress, secondAt + from);
            to += TileLoads;
            order.Next(tiles);
        }
    }
}
