using ILGPU;
using Ppsd.Kernels.Devices.Ilgpu.Lane;
using Ppsd.Kernels.Devices.Ilgpu.Rows;

namespace Ppsd.Kernels.Devices.Ilgpu.Products.Wide;

/// <summary>Destination of a product's results.</summary>
internal struct ProductTarget
{
    /// <summary>[rows, stride]; row by row, but in <see cref="TileOrder"/> where another product reads it next.</summary>
    public ArrayView<float> Y;

    /// <summary>Values of a row with their padding.</summary>
    public int Stride;

    /// <summary>Rows.</summary>
    public int Rows;

    /// <summary>Outputs of the matrix, without padding.</summary>
    public int Outputs;

    /// <summary>Second half of the rows' norm, [rows]; see <see cref="NormScale"/>. Unused where a result is added.</summary>
    public ArrayView<float> Scales;
}

/// <summary>Operation applied to a product's totals as they are written.</summary>
internal interface IProductResult
{
    /// <summary>Takes two totals of a row.</summary>
    /// <param name="target">Where results go.</param>
    /// <param name="block">Sixteen of outputs.</param>
    /// <param name="output">Output within the block, 0 to 7.</param>
    /// <param name="low">Total of that output.</param>
    /// <param name="high">Total of the output eight further.</param>
    static abstract void Store(in ProductTarget target, int block, int output, int row, float low, float high);
}

/// <summary>y = total * scale.</summary>
internal readonly struct ScaledResult : IProductResult
{
    public static void Store(in ProductTarget target, int block, int output, int row, float low, float high)
    {
        var i = block * 16 + output;
        var at = (long)row * target.Stride + i;
        var scale = target.Scales[row];
        if (i < target.Outputs)
        {
            target.Y[at] = UnfusedMath.Multiply(low, scale);
        }

        if (i + 8 < target.Outputs)
        {
            target.Y[at + 8] = UnfusedMath.Multiply(high, scale);
        }
    }
}

/// <summary>y += total.</summary>
internal readonly struct AddedResult : IProductResult
{
    public static void Store(in ProductTarget target, int block, int output, int row, float low, float high)
    {
        var i = block * 16 + output;
        var at = (long)row * target.Stride + i;
        if (i < target.Outputs)
        {
            target.Y[at] += low;
        }

        if (i + 8 < target.Outputs)
        {
            target.Y[at + 8] += high;
        }
    }
}

/// <summary>
/// y = silu(gate * scale) * (up * scale), in <see cref="TileOrder"/>; of a block's sixteen outputs the first eight are
/// gate's, the others up's.
/// </summary>
internal readonly struct GatedResult : IProductResult
{
    public static void Store(in ProductTarget target, int block, int output, int row, float low, float high)
    {
        var i = block * 8 + output;
        var scale = target.Scales[row];
        if (i < target.Outputs / 2)
        {
            target.Y[TileOrder.At(row, i, target.Stride)] = SwiGluKernel.Apply(
                UnfusedMath.Multiply(low, scale),
                UnfusedMath.Multiply(high, scale)
            );
        }
    }
}
