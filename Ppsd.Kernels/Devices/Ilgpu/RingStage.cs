using ILGPU;
using ILGPU.Runtime.Cuda;

namespace Ppsd.Kernels.Devices.Ilgpu;

/// <summary>
/// A stage of <see cref="ProductRing"/>: for each thread two tiles of a row block, the same two of the next, and its values
/// of x for both, copied by the thread that multiplies them.
/// </summary>
internal static class RingStage
{
    /// <summary>Tiles of a row block that a warp multiplies in a stage.</summary>
    public const int Rounds = 2;

    /// <summary>Loads of sixteen bytes of shared memory.</summary>
    public const int Loads = 3 * Rounds * ProductRing.GroupSize;

    /// <summary>Bytes of shared memory.</summary>
    public const int ByteCount = Loads * LoadBytes;

    /// <summary>Loads from one tile to the next that a warp multiplies, in the matrix and in a stage.</summary>
    public const int TileStride = ProductRing.GroupSize;

    /// <summary>Loads from one of x to the next that a thread multiplies.</summary>
    public const int RowStride = ProductRing.Splits * TensorCore.TileColumns / 4;

    private const int LoadBytes = 16;
    private const int SecondBlock = Rounds * TileStride;
    private const int Rows = 2 * Rounds * TileStride;

    /// <summary>Address of the thread's own load of dynamic shared memory; 0 on the simulator.</summary>
    public static int OwnAddress()
    {
        if (!CudaAsm.IsSupported)
        {
            return 0;
        }

        // Opaque, so that loops do not work it out again for each copy.
        CudaAsm.Emit("mov.u32 %0, __dyn_shared_alloca;", out int start);
        return start + Group.IdxX * LoadBytes;
    }

    /// <summary>Begins to copy the tiles of the first row block; they join the thread's open batch.</summary>
    /// <param name="ring">The kernel's dynamic shared memory.</param>
    /// <param name="own">From <see cref="OwnAddress"/>.</param>
    /// <param name="slot">Stage of the ring.</param>
    /// <param name="weights">The matrix.</param>
    /// <param name="address">Where it lies on the card.</param>
    /// <param name="from">The thread's first load.</param>
    public static void CopyFirst(
        ArrayView<UInt4> ring,
        int own,
        int slot,
        ArrayView<UInt4> weights,
        long address,
        long from
    ) => CopyTiles(ring, own, slot * Loads, weights, address, from);

    /// <summary>As above, of the second row block.</summary>
    public static void CopySecond(
        ArrayView<UInt4> ring,
        int own,
        int slot,
        ArrayView<UInt4> weights,
        long address,
        long from
    ) => CopyTiles(ring, own, slot * Loads + SecondBlock, weights, address, from);

    /// <summary>Begins to copy x; what is read stays in the first-level cache, for the group's other reads of it.</summary>
    public static void CopyRows(ArrayView<UInt4> ring, int own, int slot, ArrayView<UInt4> x, long address, long from)
    {
        var to = slot * Loads + Rows;
        if (!CudaAsm.IsSupported)
        {
            ring[Group.IdxX + to] = x[from];
            ring[Group.IdxX + to + TileStride] = x[from + RowStride];
            return;
        }

        CudaAsm.Emit(
            "cp.async.ca.shared.global [%0], [%1], 16; cp.async.ca.shared.global [%0+4096], [%1+512], 16;",
            own + to * LoadBytes,
            address + from * LoadBytes
        );
    }

    /// <summary>Multiplies what a stage holds.</summary>
    public static void Multiply(ArrayView<UInt4> ring, int own, int slot, ref PairTiles tiles)
    {
        if (CudaAsm.IsSupported)
        {
            PairTiles.AddStage(own + slot * ByteCount);
            return;
        }

        Warp.Barrier();
        var at = slot * Loads + (Group.IdxX & ~(GroupSum.WarpSize - 1));
        for (var round = 0; round < Rounds; round++)
        {
            tiles.Simulate(OfWarp(ring, at), OfWarp(ring, at + SecondBlock), OfWarp(ring, at + Rows));
            at += TileStride;
        }

        Warp.Barrier();
    }

    private static ArrayView<UInt4> OfWarp(ArrayView<UInt4> ring, int first) => ring.SubView(first, GroupSum.WarpSize);

    private static void CopyTiles(
        ArrayView<UInt4> ring,
        int own,
        int to,
        ArrayView<UInt4> weights,
        long address,
        long from
    )
    {
        if (!CudaAsm.IsSupported)
        {
            ring[Group.IdxX + to] = weights[from];
            ring[Group.IdxX + to + TileStride] = weights[from + TileStride];
            return;
        }

        CudaAsm.Emit(
            "cp.async.cg.shared.global [%0], [%1], 16; cp.async.cg.shared.global [%0+4096], [%1+4096], 16;",
            own + to * LoadBytes,
            address + from * LoadBytes
        );
    }
}
