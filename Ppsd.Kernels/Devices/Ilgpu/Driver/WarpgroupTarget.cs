using System.Reflection;
using ILGPU.Backends;
using ILGPU.Backends.PTX;
using ILGPU.Runtime;
using ILGPU.Runtime.Cuda;

namespace Ppsd.Kernels.Devices.Ilgpu.Driver;

/// <summary>
/// Kernels whose assembly multiplies by warpgroups (<c>wgmma</c>). It exists on compute capability 9.0 alone, and its target
/// has a name that ILGPU cannot say: the text is changed before the driver sees it.
/// </summary>
internal static class WarpgroupTarget
{
    private const string Target = ".target sm_90";
    private const int Major = 9;
    private const string Switch = "PPSD_WARPGROUP_PRODUCTS";

    /// <summary>
    /// True on a card that has it, unless PPSD_WARPGROUP_PRODUCTS is 0, and on the simulator, which does the same. Bits are the
    /// same without: the switch is there to compare.
    /// </summary>
    public static bool IsUsed(Accelerator accelerator) =>
        accelerator is not CudaAccelerator cuda
        || (cuda.Architecture.Major == Major && Environment.GetEnvironmentVariable(Switch) != "0");

    /// <summary>Makes it the target of a kernel.</summary>
    /// <param name="kernel">Compiled for compute capability 9.0, not loaded yet.</param>
    /// <returns>The kernel.</returns>
    public static CompiledKernel Set(CompiledKernel kernel)
    {
        var text = ((PTXCompiledKernel)kernel).PTXAssembly;
        var at = text.IndexOf(Target, StringComparison.Ordinal);
        if (at >= 0 && text.AsSpan(at + Target.Length) is ['a', '\r' or '\n', ..])
        {
            // A context compiles a kernel once, and every accelerator that loads it passes here.
            return kernel;
        }

        if (at < 0 || text.AsSpan(at + Target.Length) is not ['\r' or '\n', ..])
        {
            throw new DeviceException($"assembly of {kernel.SourceMethod.Name}: expected {Target}, found none");
        }

        typeof(PTXCompiledKernel)
            .GetField(
                $"<{nameof(PTXCompiledKernel.PTXAssembly)}>k__BackingField",
                BindingFlags.Instance | BindingFlags.NonPublic
            )!
            .SetValue(kernel, text.Insert(at + Target.Length, "a"));
        return kernel;
    }
}
