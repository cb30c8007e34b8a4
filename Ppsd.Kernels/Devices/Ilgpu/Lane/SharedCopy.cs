using ILGPU;
using ILGPU.Runtime.Cuda;

namespace Ppsd.Kernels.Devices.Ilgpu.Lane;

/// <summary>
/// Copies from device memory to a kernel's dynamic shared memory that pass no register (cp.async), sixteen bytes a
/// thread. On the simulator a copy is done at once.
/// </summary>
internal static class SharedCopy
{
    /// <summary>Bytes of a load.</summary>
    public const int LoadBytes = 16;

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
            to * LoadBytes,
            sourceAddress + from * LoadBytes
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
    /// <param name="count">13, 11, 9, 7, 5, 4, 3, 2 or 1, and known when the kernel is compiled.</param>
    public static void WaitForAllBut(int count)
    {
        if (!CudaAsm.IsSupported)
        {
            return;
        }

        if (count == 13)
        {
            CudaAsm.Emit("cp.async.wait_group 13;");
        }
        else if (count == 9)
        {
            CudaAsm.Emit("cp.async.wait_group 9;");
        }
        else if (count == 11)
        {
            CudaAsm.Emit("cp.async.wait_group 11;");
        }
        else if (count == 7)
        {
            CudaAsm.Emit("cp.async.wait_group 7;");
        }
        else if (count == 5)
        {
            CudaAsm.Emit("cp.async.wait_group 5;");
        }
        else if (count == 4)
        {
            CudaAsm.Emit("cp.async.wait_group 4;");
        }
        else if (count == 3)
        {
            CudaAsm.Emit("cp.async.wait_group 3;");
        }
        else if (count == 2)
        {
            CudaAsm.Emit("cp.async.wait_group 2;");
        }
        else
        {
            CudaAsm.Emit("cp.async.wait_group 1;");
        }
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
