using ILGPU;
using Ppsd.Kernels.Devices.Ilgpu.Driver;
using Ppsd.Kernels.Devices.Ilgpu.Lane;

namespace Ppsd.Kernels.Devices.Ilgpu.Rows;

/// <summary>y += bias; one thread a value.</summary>
internal static class BiasKernel
{
    /// <summary>Threads of a group.</summary>
    public const int GroupSize = 256;

    /// <param name="y">[rows, stride].</param>
    /// <param name="stride">Values from one row to the next.</param>
    /// <param name="bias">[width].</param>
    /// <param name="width">Values of the bias.</param>
    public static void Execute(ArrayView<float> y, int stride, ArrayView<float> bias, int width)
    {
        DependentLaunch.Release();
        DependentLaunch.Wait();
        var i = Grid.IdxX * GroupSize + Group.IdxX;
        if (i < width)
        {
            var at = (long)Grid.IdxY * stride + i;
            y[at] = UnfusedMath.Add(y[at], bias[i]);
        }
    }
}
