using ILGPU;
using ILGPU.Runtime.Cuda;

namespace Ppsd.Kernels.Devices.Ilgpu;

/// <summary>
/// Copies from device memory to a kernel's dynamic shared memory that pass no register (cp.async), sixteen bytes a
/// thread. On the simulator a copy is done at once.
/// </summary>
internal static class SharedCopy
{
    /// <summary>Begins to copy one load; it joins the thread's open batch.</summary>
    /// <param name="shared">The kernel's dynamic shared memory.</param>
    /// <param name="to">Where to, in loads.</param>
    /// <param name="source">Where from.</param>
    /// <param name="sourceAddress">Address of <paramref name="source"/> on a card.</param>
    /// <param name="from">Where from, in loads.</param>
    public static void Begin(ArrayView<UInt4> shared, int to, ArrayView<UInt4> source, long sourceAddress, long from)
    {
        if (!CudaAsm.IsSupported)
        {
            shared[to] = source[from];
            return;
        }

        CudaAsm.Emit(
            "{ .reg .u32 at; mov.u32 at, __dyn_shared_alloca; add.u32 at, at, %0; cp.async.cg.shared.global [at], [%1], 16; }",
            to * 16,
            sourceAddress + from * 16
        );
    }

    /// <summary>Closes the thread's batch; it may be empty.</summary>
    public static void Commit()
    {
        if (!CudaAsm.IsSupported)
        {
            return;
        }

        CudaAsm.Emit("cp.async.commit_group;");
    }

    /// <summary>Waits until all of the thread's batches but the last <paramref name="count"/> have arrived.</summary>
    /// <param name="count">11, 9, 7, 6 or less than 6; the same for all threads.</param>
    public static void WaitForAllBut(int count)
    {
        if (!CudaAsm.IsSupported)
        {
            return;
        }

        // Predicates, not branches: this stands in the innermost loops. For other counts it waits a little longer.
        CudaAsm.Emit(
            "{ .reg .pred is; setp.eq.s32 is, %0, 11; @is cp.async.wait_group 11; "
                + "setp.eq.s32 is, %0, 9; @is cp.async.wait_group 9; setp.eq.s32 is, %0, 7; @is cp.async.wait_group 7; "
                + "setp.eq.s32 is, %0, 6; @is cp.async.wait_group 6; setp.lt.s32 is, %0, 6; @is cp.async.wait_group 1; }",
            count
        );
    }

    /// <summary>Waits until all of the thread's batches have arrived.</summary>
    public static void WaitForAll()
    {
        if (!CudaAsm.IsSupported)
        {
            return;
        }

        CudaAsm.Emit("cp.async.wait_all;");
    }
}
