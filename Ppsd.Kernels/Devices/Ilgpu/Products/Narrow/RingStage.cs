using ILGPU;
using ILGPU.Runtime.Cuda;
using Ppsd.Kernels.Devices.Ilgpu.Lane;

namespace Ppsd.Kernels.Devices.Ilgpu.Products.Narrow;

/// <summary>
/// A stage of <see cref="ProductRing{TForm}"/>: for each thread four tiles of weights, and values of x for their columns. Of a unit
/// of four row blocks it is a tile of each, of a unit of two it is two tiles of each. A thread copies what it multiplies
/// itself. Addresses are a card's; on the simulator memory begins at 0.
/// </summary>
internal static class RingStage
{
    /// <summary>Loads of weights.</summary>
    public const int WeightLoads = TileCount * TileLoads;

    /// <summary>Loads from one tile to the next that a warp multiplies, in the matrix and in a stage.</summary>
    public const int TileLoads = RingMemory.GroupSize;

    /// <summary>Bytes from one tile to the next.</summary>
    public const int TileBytes = TileLoads * SharedCopy.LoadBytes;

    /// <summary>Bytes from one of x to the next that a thread multiplies: the other warps' tiles lie between.</summary>
    public const int RowStrideBytes = RowSplits.Count * TileOrder.TileBytes;

    private const int TileCount = 4;
    private const int LanesPerRow = TensorCore.TileColumns / 4;

    /// <summary>Loads of x, for two tiles of columns.</summary>
    /// <param name="width">Rows of x.</param>
    public static int RowLoads(int width) => 2 * TileRowLoads(width);

    /// <summary>Loads of x for a tile of columns of each warp.</summary>
    public static int TileRowLoads(int width) => RowSplits.Count * LanesPerRow * width;

    /// <summary>The thread's load of x in a stage: of its lane's row, the last one for lanes beyond it.</summary>
    public static int OwnRow(int width)
    {
        var row = (Group.IdxX >> 2) & (TensorCore.Width - 1);
        row = row < width ? row : width - 1;
        return ((Group.IdxX >> 5) * width + row) * LanesPerRow + (Group.IdxX & (LanesPerRow - 1));
    }

    /// <summary>Begins to copy a tile of each of four row blocks; they join the thread's open batch.</summary>
    /// <param name="ring">The kernel's dynamic shared memory.</param>
    /// <param name="to">Address of the thread's first load there.</param>
    /// <param name="from">Address of the thread's load of the first row block.</param>
    /// <param name="blockBytes">Bytes of a row block.</param>
    public static void CopyFullQuad(ArrayView<UInt4> ring, int to, ArrayView<UInt4> weights, long from, long blockBytes)
    {
        if (!CudaAsm.IsSupported)
        {
            CopyQuad(ring, to, weights, from, blockBytes, UnitSchedule.QuadBlocks);
            return;
        }

        CudaAsm.Emit(
            "{ .reg .b64 block; cp.async.cg.shared.global [%0], [%1], 16; "
                + "add.s64 block, %1, %2; cp.async.cg.shared.global [%0+4096], [block], 16; "
                + "add.s64 block, block, %2; cp.async.cg.shared.global [%0+8192], [block], 16; "
                + "add.s64 block, block, %2; cp.async.cg.shared.global [%0+12288], [block], 16; }",
            to,
            from,
            blockBytes
        );
    }

    /// <summary>The same for fewer row blocks, or none.</summary>
    /// <param name="ring">The kernel's dynamic shared memory.</param>
    /// <param name="to">Address of the thread's first load there.</param>
    /// <param name="from">Address of the thread's load of the first row block.</param>
    /// <param name="blockBytes">Bytes of a row block.</param>
    /// <param name="blocks">Number of row blocks.</param>
    public static void CopyQuad(
        ArrayView<UInt4> ring,
        int to,
        ArrayView<UInt4> weights,
        long from,
        long blockBytes,
        int blocks
    )
    {
        if (!CudaAsm.IsSupported)
        {
            for (var block = 0; block < blocks; block++)
            {
                ring[(to >> 4) + block * TileLoads] = weights[(from + block * blockBytes) >> 4];
            }

            return;
        }

        CudaAsm.Emit(
            "{ .reg .pred has; .reg .b64 block; setp.gt.s32 has, %3, 0; "
                + "@has cp.async.cg.shared.global [%0], [%1], 16; "
                + "add.s64 block, %1, %2; setp.gt.s32 has, %3, 1; "
                + "@has cp.async.cg.shared.global [%0+4096], [block], 16; "
                + "add.s64 block, block, %2; setp.gt.s32 has, %3, 2; "
                + "@has cp.async.cg.shared.global [%0+8192], [block], 16; "
                + "add.s64 block, block, %2; setp.gt.s32 has, %3, 3; "
                + "@has cp.async.cg.shared.global [%0+12288], [block], 16; }",
            to,
            from,
            blockBytes,
            blocks
        );
    }

    /// <summary>Begins to copy two tiles of each of two row blocks.</summary>
    /// <inheritdoc cref="CopyFullQuad" />
    public static void CopyFullPair(ArrayView<UInt4> ring, int to, ArrayView<UInt4> weights, long from, long blockBytes)
    {
        if (!CudaAsm.IsSupported)
        {
            CopyPair(ring, to, weights, from, blockBytes, UnitSchedule.PairBlocks);
            return;
        }

        CudaAsm.Emit(
            "{ .reg .b64 block; cp.async.cg.shared.global [%0], [%1], 16; "
                + "cp.async.cg.shared.global [%0+4096], [%1+4096], 16; "
                + "add.s64 block, %1, %2; cp.async.cg.shared.global [%0+8192], [block], 16; "
                + "cp.async.cg.shared.global [%0+12288], [block+4096], 16; }",
            to,
            from,
            blockBytes
        );
    }

    /// <summary>The same for fewer row blocks, or none.</summary>
    /// <inheritdoc cref="CopyQuad" />
    public static void CopyPair(
        ArrayView<UInt4> ring,
        int to,
        ArrayView<UInt4> weights,
        long from,
        long blockBytes,
        int blocks
    )
    {
        if (!CudaAsm.IsSupported)
        {
            for (var block = 0; block < blocks; block++)
            {
                var at = (from + block * blockBytes) >> 4;
                ring[(to >> 4) + 2 * block * TileLoads] = weights[at];
                ring[(to >> 4) + (2 * block + 1) * TileLoads] = weights[at + TileLoads];
            }

            return;
        }

        CudaAsm.Emit(
            "{ .reg .pred has; .reg .b64 block; setp.gt.s32 has, %3, 0; "
                + "@has cp.async.cg.shared.global [%0], [%1], 16; "
                + "@has cp.async.cg.shared.global [%0+4096], [%1+4096], 16; "
                + "add.s64 block, %1, %2; setp.gt.s32 has, %3, 1; "
                + "@has cp.async.cg.shared.global [%0+8192], [block], 16; "
                + "@has cp.async.cg.shared.global [%0+12288], [block+4096], 16; }",
            to,
            from,
            blockBytes,
            blocks
        );
    }

    /// <summary>
    /// Begins to copy x for a tile, past the first-level cache: the ring leaves little of it, and copies through it
    /// delay the weights.
    /// </summary>
    /// <param name="ring">The kernel's dynamic shared memory.</param>
    /// <param name="to">Address of the thread's load there.</param>
    /// <param name="from">Address of the thread's load of them.</param>
    public static void CopyRow(ArrayView<UInt4> ring, int to, ArrayView<UInt4> x, long from)
    {
        if (CudaAsm.IsSupported)
        {
            CudaAsm.Emit("cp.async.cg.shared.global [%0], [%1], 16;", to, from);
            return;
        }

        ring[to >> 4] = x[from >> 4];
    }
}
