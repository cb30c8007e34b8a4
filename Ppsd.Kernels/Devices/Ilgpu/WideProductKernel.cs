using ILGPU;
using ILGPU.Algorithms;
using ILGPU.Runtime;

namespace Ppsd.Kernels.Devices.Ilgpu;

/// <summary>
/// Products with bf16 weights for many rows of x (a chunk of a prompt), on tensor cores: the bits of
/// <see cref="TileProduct"/>, row for row, at the speed of the arithmetic. A warp owns 64 outputs of 32 rows and walks all
/// tiles of columns, split after split: an output is the same eight chains, added in the same order, as the eight warps
/// that share it in the narrow product.
/// </summary>
/// <remarks>
/// Operands come straight from memory into registers, sixteen bytes a lane, one tile of columns ahead of their use; the
/// warps of a group read the same tiles at about the same time, so that all but the first find them in the L1 cache.
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
    private const int Splits = 8;

    /// <summary>One group a multiprocessor: a thread may have all the registers it can address.</summary>
    public static KernelSpecialization Specialization { get; } = new(GroupSize, 1);

    /// <summary>Grid: groups of rows, then groups of outputs, so that neighbours in time read the same weights.</summary>
    /// <param name="weights">Tiles, [outputBlocks, tilesPerRow, 32]; see <see cref="TiledWeights"/>.</param>
    /// <param name="outputBlocks">Sixteens of outputs.</param>
    /// <param name="tilesPerRow">Sixteens of columns.</param>
    /// <param name="x">Rows in parts, [row blocks of 8, tilesPerRow, 32]; see <see cref="RowPackKernel"/>.</param>
    /// <param name="target">Where results go.</param>
    public static void Execute<TResult>(
        ArrayView<UInt4> weights,
        int outputBlocks,
        int tilesPerRow,
        ArrayView<UInt4> x,
        ProductTarget target
    )
        where TResult : struct, IProductResult
    {
        var lane = Group.IdxX % GroupSum.WarpSize;
        var warp = Group.IdxX / GroupSum.WarpSize;
        var outputBlock = Grid.IdxY * (Outputs / 16) + warp % OutputWarps * 4;
        var rowBlock = Grid.IdxX * (Rows / 8) + warp / OutputWarps * 4;
        var rowBlocks = (target.Rows + 7) / 8;
        if (rowBlock >= rowBlocks || outputBlock >= outputBlocks)
        {
            return;
        }

        var source = new WideSource(weights, outputBlock, outputBlocks, x, rowBlock, rowBlocks, tilesPerRow, lane);
        TensorTiles.Declare();
        var sums = new TensorTiles();
        WideTile.Clear(ref sums);
        var totals = new WideTile();
        var next = source.Load(0);
        for (var split = 0; split < Splits; split++)
        {
            for (var tile = split; tile < tilesPerRow; tile += Splits)
            {
                var current = next;
                var following = tile + Splits < tilesPerRow ? tile + Splits : split + 1;
                next = source.Load(XMath.Min(following, tilesPerRow - 1));

                // The loads leave before the arithmetic begins; without it they would sink to their use.
                Warp.Barrier();
                WideTile.Accumulate(ref sums, current);
            }

            totals.Take(ref sums);
        }

        totals.Store<TResult>(target, outputBlock, rowBlock, lane);
    }
}
