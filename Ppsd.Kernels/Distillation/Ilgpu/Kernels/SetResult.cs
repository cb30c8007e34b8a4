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
    ) => ProductResult.WritePair(target, block, output, row, low, high);
}
