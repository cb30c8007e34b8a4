using ILGPU.Runtime;

namespace Ppsd.Kernels.Devices.Ilgpu.Driver;

/// <summary>Device limits that kernels rely on; tests set smaller ones.</summary>
/// <param name="SharedBytes">Shared memory that a group may take.</param>
/// <param name="Multiprocessors">Multiprocessors that the groups of attention are shared out to.</param>
internal readonly record struct IlgpuLimits(int SharedBytes, int Multiprocessors)
{
    // The simulator has one: groups share tiles there too.
    private const int FewestMultiprocessors = 8;

    /// <summary>The device's own limits.</summary>
    public static IlgpuLimits Of(Accelerator accelerator) =>
        new(SharedKernel.Limit(accelerator), Math.Max(accelerator.NumMultiprocessors, FewestMultiprocessors));
}
