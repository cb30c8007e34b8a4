using ILGPU.Runtime.Cuda;

namespace Ppsd.Kernels.Devices.Ilgpu.Driver;

/// <summary>
/// Programmatic dependent launch (compute capability 9.0): in a captured step a kernel starts while the one before it
/// still runs, and has its weights on the way when its input is ready. Every kernel of a step calls both methods, once
/// and by all threads. Outside a captured step, on older cards and on the simulator they do nothing.
/// </summary>
internal static class DependentLaunch
{
    /// <summary>True when the machine's cards, if it has any, know it; compiled into kernels as a constant.</summary>
    public static readonly bool IsAvailable = CudaDriver.LowestComputeMajor() >= 9;

    /// <summary>The next kernel may start. First thing in a kernel: its blocks only fill places that are free.</summary>
    public static void Release()
    {
        if (CudaAsm.IsSupported && IsAvailable)
        {
            CudaAsm.Emit("griddepcontrol.launch_dependents;");
        }
    }

    /// <summary>
    /// Waits until the kernel before has finished and what it wrote is visible. Before it, nothing may be read that a
    /// kernel of this step writes, and nothing may be written at all.
    /// </summary>
    public static void Wait()
    {
        if (CudaAsm.IsSupported && IsAvailable)
        {
            CudaAsm.Emit("griddepcontrol.wait;");
        }
    }
}
