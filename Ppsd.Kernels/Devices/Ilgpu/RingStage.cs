using ILGPU;
using ILGPU.Runtime.Cuda;

namespace Ppsd.Kernels.Devices.Ilgpu;

/// <summary>
/// A stage of <see cref="ProductRing"/>: for each thread four tiles of weights, and values of x for their columns. Of a unit
/// of four row blocks it is a tile of each, of a unit of two it is two tiles of each. A thread copies what it multiplies
/// itself. Addresses are a card's; on the simulator memory begins at 0.
/// </summary>
internal static class RingStage
{
    /// <summary>Loads of weights.</summary>
    public const int WeightLoads = TileCount * TileLoads;

    /// <summary>Loads from one tile to the next that a warp multiplies, in the matrix and in a stage.</summary>
    public const int TileLoads = ProductRing.GroupSize;

    /// <summary>Bytes from one tile to the next.</summary>
    public const int TileBytes = TileLoads * LoadBytes;

    /// <summary>Bytes from one of x to the next that a thread multiplies.</summary>
    public const int RowStrideBytes = ProductRing.Splits * TensorCore.TileColumns * sizeof(float);

    /// <summary>Bytes of a load.</summary>
    public const int LoadBytes = 16;

    private const int TileCount = 4;
    private const int LanesPerRow = TensorCore.TileColumns / 4;

    /// <summary>Loads of x, for two tiles of columns.</summary>
    /// <param name="width">Rows of x.</param>
    public static int RowLoads(int width) => 2 * TileRowLoads(width);

    /// <summary>Loads of x for a tile of columns of each warp.</summary>
    public static int TileRowLoads(int width) => ProductRing.Splits * LanesPerRow * width;

    /// <summary>The thread's load of x in a stage: of its lane's row, the last one for lanes beyond it.</summary>
    public static int OwnRow(int width)
    {
        var row = (Group.IdxX >> 2) & (TensorCore.Width - 1);
        row = row < width ? row : width - 1;
        return ((Group.IdxX >> 5) * width + row) * LanesPerRow + (Group.IdxX & (LanesPerRow - 1));
    }

    /// <summary>Where the kernel's dynamic shared memory begins; 0 on the simulator.</summary>
    public static int Start()
    {
        if (!CudaAsm.IsSupported)
        {
            return 0;
        }

        // Opaque, so that loops do not work it out again for each copy.
        CudaAsm.Emit("mov.u32 %0, __dyn_shared_alloca;", out int start);
        return start;
    }

    /// <summary>Address of the thread's own load at the beginning of that memory; 0 on the simulator.</summary>
    public static int OwnAddress() => CudaAsm.IsSupported ? Start() + Group.IdxX * LoadBytes : 0;

    /// <summary>
    /// Begins to copy the four tiles of a stage; they join the thread's open batch. A tile that does not exist is zeros, and
    /// takes no branch: this stands in the innermost loop.
    /// </summary>
    /// <param name="ring">The kernel's dynamic shared memory.</param>
    /// <param name="to">Address of the thread's first load there.</param>
    /// <param name="weights">The matrix.</param>
    /// <param name="from">Address of the thread's load of the first tile.</param>
    /// <param name="tileBytes">From the first tile to the second, and from the third to the fourth.</param>
    /// <param name="pairBytes">From the first to the third.</param>
    /// <param name="tiles">How many there are.</param>
    public static void CopyWeights(
        ArrayView<UInt4> ring,
        int to,
        ArrayView<UInt4> weights,
        long from,
        long tileBytes,
        long pairBytes,
        int tiles
    )
    {
        if (!CudaAsm.IsSupported)
        {
            for (var tile = 0; tile < tiles; tile++)
            {
                ring[(to >> 4) + tile * TileLoads] = weights[
                    (from + (tile & 1) * tileBytes + (tile >> 1) * pairBytes) >> 4
                ];
            }

            return;
        }

        CudaAsm.Emit(
            "{ .reg .pred has; .reg .b32 size; .reg .b64 tile; .reg .b64 pair; "
                + "setp.gt.s32 has, %4, 0; selp.b32 size, 16, 0, has; cp.async.cg.shared.global [%0], [%1], 16, size; "
                + "add.s64 tile, %1, %2; setp.gt.s32 has, %4, 1; selp.b32 size, 16, 0, has; "
                + "cp.async.cg.shared.global [%0+4096], [tile], 16, size; "
                + "add.s64 pair, %1, %3; setp.gt.s32 has, %4, 2; selp.b32 size, 16, 0, has; "
                + "cp.async.cg.shared.global [%0+8192], [pair], 16, size; "
                + "add.s64 tile, pair, %2; setp.gt.s32 has, %4, 3; selp.b32 size, 16, 0, has; "
                + "cp.async.cg.shared.global [%0+12288], [tile], 16, size; }",
            to,
            from,
            tileBytes,
            pairBytes,
            tiles
        );
    }

    /// <summary>Begins to copy x for a tile; it stays in the first-level cache, for the group's other reads of it.</summary>
    /// <param name="ring">The kernel's dynamic shared memory.</param>
    /// <param name="to">Address of the thread's load there.</param>
    /// <param name="x">Rows.</param>
    /// <param name="from">Address of the thread's load of them.</param>
    /// <param name="tiles">Tiles of weights that it is for; for none it is zeros.</param>
    public static void CopyRow(ArrayView<UInt4> ring, int to, ArrayView<UInt4> x, long from, int tiles)
    {
        if (CudaAsm.IsSupported)
        {
            CudaAsm.Emit(
                "{ .reg .pred has; .reg .b32 size; setp.gt.s32 has, %2, 0; selp.b32 size, 16, 0, has; "
                    + "cp.async.ca.shared.global [%0], [%1], 16, size; }",
                to,
                from,
                tiles
            );
        }
        else if (tiles > 0)
        {
            ring[to >> 4] = x[from >> 4];
        }
    }
}
