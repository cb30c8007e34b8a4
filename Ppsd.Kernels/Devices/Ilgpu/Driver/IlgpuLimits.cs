using ILGPU.Runtime;

namespace Ppsd.Kernels.Devices.Ilgpu.Driver;

/// <summary>What kernels count on of a device; tests say less than there is.</summary>
/// <param name="SharedBytes">Shared memory that a group may take.</param>
/// <param name="Multiprocessors">Multiprocessors that the groups of attention are shared out to.</param>
internal readonly record struct IlgpuLimits(int SharedBytes, int Multiprocessors)
{
    // The simulator has one: groups share tiles there too.
    private const int FewestMultiprocessors = 8;

    /// <summary>All that a device has.</summary>
    public static IlgpuLimits Of(Accelerator accelerator) =>
        new(SharedKernel.Limit(accelerator), Math.Max(accelerator.NumMultiprocessors, FewestMultiprocessors));
}
