using Ppsd.Kernels.Devices.Ilgpu.Products.Wide;

namespace Ppsd.Kernels.Distillation.Ilgpu.Kernels;

/// <summary>y = total.</summary>
internal readonly struct SetResult : IProductResult
{
    public static void Store(in ProductTarget target, int block, int output, int row, float low, float high)
    {
        var i = block * 16 + output;
        var at = (long)row * target.Stride + i;
        if (i < target.Outputs)
        {
            target.Y[at] = low;
        }

        if (i + 8 < target.Outputs)
        {
            target.Y[at + 8] = high;
        }
    }
}
