using ILGPU;
using Ppsd.Kernels.Devices.Ilgpu.Driver;

namespace Ppsd.Kernels.Devices.Ilgpu.Rows;

/// <summary>Copies values; a kernel, because the driver's own copy would break a captured step's chain of kernels.</summary>
internal static class CopyKernel
{
    /// <summary>Threads of a group, each a value.</summary>
    public const int GroupSize = 256;

    public static void Execute(ArrayView<float> source, ArrayView<float> target)
    {
        DependentLaunch.Release();
        DependentLaunch.Wait();
        var i = (long)Grid.IdxX * GroupSize + Group.IdxX;
        if (i < source.Length)
        {
            target[i] = source[i];
        }
    }
}
