using ILGPU;
using ILGPU.Algorithms;
using Ppsd.Kernels.Devices.Ilgpu.Driver;
using Ppsd.Kernels.Devices.Ilgpu.Lane;

namespace Ppsd.Kernels.Devices.Ilgpu.Rows;

/// <summary>y = silu(gate) * up; one thread a value.</summary>
internal static class SwiGluKernel
{
    public const int GroupSize = 256;

    /// <summary>silu(gate) * up (Shazeer 2020).</summary>
    public static float Apply(float gate, float up) => gate / (1f + XMath.Exp(-gate)) * up;

    /// <param name="gateUp">[rows, gateUpStride]: gate [width], then up [width].</param>
    /// <param name="gateUpStride">Values from one row to the next.</param>
    /// <param name="y">[rows, stride] in <see cref="TileOrder"/>.</param>
    /// <param name="width">Values of a row.</param>
    /// <param name="stride">Values of a row of y with their padding.</param>
    public static void Execute(ArrayView<float> gateUp, int gateUpStride, ArrayView<float> y, int width, int stride)
    {
        DependentLaunch.Release();
        DependentLaunch.Wait();
        var i = Grid.IdxX * Group.DimX + Group.IdxX;
        if (i >= width)
        {
            return;
        }

        var source = (long)Grid.IdxY * gateUpStride;
        y[TileOrder.At(Grid.IdxY, i, stride)] = Apply(gateUp[source + i], gateUp[source + width + i]);
    }
}
