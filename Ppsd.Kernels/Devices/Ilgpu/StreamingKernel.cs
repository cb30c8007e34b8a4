using System.Reflection;
using ILGPU.Backends.EntryPoints;
using ILGPU.Backends.PTX;
using ILGPU.Runtime;
using ILGPU.Runtime.Cuda;

namespace Ppsd.Kernels.Devices.Ilgpu;

/// <summary>
/// Loads a kernel whose sixteen-byte integer loads, its weights, pass by the first-level cache: each is read once, and
/// would drive out the activations that all groups of a multiprocessor read. ILGPU has no such load, and one written in
/// assembly loses its place among the others, so the finished assembly is edited.
/// </summary>
internal static class StreamingKernel
{
    private const string Load = "ld.global.v4.b32";
    private const string StreamingLoad = "ld.global.L1::no_allocate.v4.b32";

    /// <summary>Compiles and loads a kernel.</summary>
    /// <param name="accelerator">The device; another than a CUDA card loads the kernel as it is.</param>
    /// <param name="kernel">A static method.</param>
    /// <param name="specialization">Its launch bounds.</param>
    /// <typeparam name="TLauncher">Stream, configuration, then the kernel's parameters.</typeparam>
    public static TLauncher LoadFrom<TLauncher>(
        Accelerator accelerator,
        Delegate kernel,
        KernelSpecialization specialization
    )
        where TLauncher : Delegate
    {
        if (accelerator is not CudaAccelerator)
        {
            return accelerator.LoadKernel(kernel.Method, specialization).CreateLauncherDelegate<TLauncher>();
        }

        var entry = EntryPointDescription.FromExplicitlyGroupedKernel(kernel.Method);
        var compiled = (PTXCompiledKernel)accelerator.CompileKernel(entry, specialization);
        Edit(compiled);
        return accelerator.LoadKernel(compiled).CreateLauncherDelegate<TLauncher>();
    }

    /// <summary>Makes the loads streaming ones.</summary>
    internal static void Edit(PTXCompiledKernel compiled)
    {
        // ILGPU sets the text once and gives no other way to it.
        var field = typeof(PTXCompiledKernel)
            .GetFields(BindingFlags.Instance | BindingFlags.NonPublic)
            .Single(field => field.FieldType == typeof(string));
        field.SetValue(compiled, compiled.PTXAssembly.Replace(Load, StreamingLoad, StringComparison.Ordinal));
    }
}
