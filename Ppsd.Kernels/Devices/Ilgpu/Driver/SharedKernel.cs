using ILGPU.Backends.EntryPoints;
using ILGPU.Runtime;
using ILGPU.Runtime.Cuda;

namespace Ppsd.Kernels.Devices.Ilgpu.Driver;

/// <summary>Loads kernels that take more dynamic shared memory than the default limit of 48 KiB.</summary>
internal static class SharedKernel
{
    // The simulator is as the target card.
    private const int TargetBytes = 227 * 1024;

    /// <summary>Bytes of dynamic shared memory that a group may have.</summary>
    public static int Limit(Accelerator accelerator) =>
        accelerator is CudaAccelerator cuda ? CudaDriver.SharedMemoryLimit(cuda.DeviceId) : TargetBytes;

    /// <summary>Compiles and loads a kernel.</summary>
    /// <param name="kernel">A static method.</param>
    /// <param name="specialization">Its launch bounds.</param>
    /// <param name="bytes">Dynamic shared memory of a group, at most; 0 for none.</param>
    /// <param name="usesWarpgroups">True when its assembly has what only compute capability 9.0 has.</param>
    /// <typeparam name="TLauncher">Stream, configuration, then the kernel's parameters.</typeparam>
    /// <exception cref="Ppsd.Kernels.Devices.DeviceException">The card has less; one line.</exception>
    public static TLauncher Load<TLauncher>(
        Accelerator accelerator,
        Delegate kernel,
        KernelSpecialization specialization,
        int bytes,
        bool usesWarpgroups = false
    )
        where TLauncher : Delegate
    {
        var loaded =
            usesWarpgroups && accelerator is CudaAccelerator
                ? accelerator.LoadKernel(
                    WarpgroupTarget.Set(
                        accelerator.CompileKernel(
                            EntryPointDescription.FromExplicitlyGroupedKernel(kernel.Method),
                            specialization
                        )
                    )
                )
                : accelerator.LoadKernel(kernel.Method, specialization);
        if (bytes > 0 && loaded is CudaKernel cuda)
        {
            CudaDriver.AllowSharedMemory(cuda, bytes);
        }

        return loaded.CreateLauncherDelegate<TLauncher>();
    }
}
