using Ppsd.Kernels.Devices.Ilgpu.Products.Wide;

namespace Ppsd.Kernels.Distillation.Ilgpu.Kernels;

/// <summary>y = total.</summary>
internal readonly struct SetResult : IProductResult
{
    public static ReadForResult Read(in ProductTarget target, int block, int output, int row) => new();

    public static void Write(
        in ProductTarget target,
        int block,
        int output,
        int row,
        float low,
        float high,
        in ReadForResult read
    )
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
