using ILGPU.Runtime.Cuda;

namespace Ppsd.Kernels.Devices.Ilgpu.Lane;

/// <summary>
/// A barrier in shared memory (mbarrier, compute capability 9.0). It counts threads and copied bytes (<see cref="BulkCopy"/>), phase
/// after phase: a phase ends when its threads have arrived and the bytes they announced are there. A waiting thread names the phase
/// by its parity; the phase before the first counts as ended. The simulator copies at once, so there all of this does nothing.
/// </summary>
internal static class SharedBarrier
{
    /// <summary>Bytes of a barrier.</summary>
    public const int Bytes = 8;

    /// <summary>Begins the first phase; one thread, before a group's barrier.</summary>
    /// <param name="address">In shared memory.</param>
    /// <param name="arrivals">Threads that end a phase.</param>
    public static void Initialize(int address, int arrivals)
    {
        if (CudaAsm.IsSupported)
        {
            CudaAsm.Emit("mbarrier.init.shared::cta.b64 [%0], %1;", address, arrivals);
        }
    }

    /// <summary>Shows the initialised barriers to copies. The same thread calls it, after the last one.</summary>
    public static void PublishInitialized()
    {
        if (CudaAsm.IsSupported)
        {
            CudaAsm.Emit("fence.mbarrier_init.release.cluster;");
        }
    }

    /// <summary>Arrives and announces bytes that the phase waits for. One thread calls it, before it begins the copies.</summary>
    public static void ArriveExpecting(int address, int bytes)
    {
        if (CudaAsm.IsSupported)
        {
            CudaAsm.Emit(
                "{ .reg .b64 state; mbarrier.arrive.expect_tx.shared::cta.b64 state, [%0], %1; }",
                address,
                bytes
            );
        }
    }

    /// <summary>Arrives where <paramref name="isOther"/> is 0, and does nothing elsewhere. No branch.</summary>
    public static void ArriveUnless(int address, int isOther)
    {
        if (CudaAsm.IsSupported)
        {
            CudaAsm.Emit(
                "{ .reg .b64 state; .reg .pred arrives; setp.eq.s32 arrives, %1, 0; "
                    + "@arrives mbarrier.arrive.shared::cta.b64 state, [%0]; }",
                address,
                isOther
            );
        }
    }

    /// <summary>Waits for the end of a phase, and sees what was copied and written before it.</summary>
    /// <param name="parity">Of the phase: 0 for the first, 1 for the second and the one before the first, and so on.</param>
    public static void Wait(int address, int parity)
    {
        if (CudaAsm.IsSupported)
        {
            CudaAsm.Emit(
                "{ .reg .pred ended; again: mbarrier.try_wait.parity.shared::cta.b64 ended, [%0], %1; @!ended bra again; }",
                address,
                parity
            );
        }
    }
}
