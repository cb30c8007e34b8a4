using ILGPU;
using ILGPU.Algorithms;
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

    /// <summary>Where results go besides, as rows of the next product; see <see cref="GatedCoresResult"/>.</summary>
    public CoreRowsView Cores;
}

/// <summary>
/// Operation applied to a product's totals as they are written. What it needs of memory is read apart: who has several totals
/// reads for all of them first, so that they wait once and not one after another.
/// </summary>
internal interface IProductResult
{
    /// <summary>Reads what two results need; places outside the target are read at its edge.</summary>
    /// <param name="target">Where results go.</param>
    /// <param name="block">Sixteen of outputs.</param>
    /// <param name="output">Output within the block, 0 to 7.</param>
    static abstract ReadForResult Read(in ProductTarget target, int block, int output, int row);

    /// <summary>Writes two results of a row, if it exists. All lanes of a warp must arrive.</summary>
    /// <param name="target">Where results go.</param>
    /// <param name="block">Sixteen of outputs.</param>
    /// <param name="output">Output within the block, 0 to 7.</param>
    /// <param name="low">Total of that output.</param>
    /// <param name="high">Total of the output eight further.</param>
    /// <param name="read">From <see cref="Read"/>.</param>
    static abstract void Write(
        in ProductTarget target,
        int block,
        int output,
        int row,
        float low,
        float high,
        in ReadForResult read
    );
}

/// <summary>What two results need of memory.</summary>
internal struct ReadForResult
{
    /// <summary>For the lower output, or for both.</summary>
    public float Low;

    /// <summary>For the upper one.</summary>
    public float High;
}

/// <summary>Results one after another.</summary>
internal static class ProductResult
{
    /// <summary>Reads and writes two results of a row; see <see cref="IProductResult"/>.</summary>
    public static void Store<TResult>(in ProductTarget target, int block, int output, int row, float low, float high)
        where TResult : struct, IProductResult =>
        TResult.Write(target, block, output, row, low, high, TResult.Read(target, block, output, row));

    /// <summary>Writes a row's values of two outputs, where the row exists and the matrix has these.</summary>
    public static void WritePair(in ProductTarget target, int block, int output, int row, float low, float high)
    {
        var i = block * 16 + output;
        var at = (long)row * target.Stride + i;
        if (row >= target.Rows)
        {
            return;
        }

        if (i < target.Outputs)
        {
            target.Y[at] = low;
        }

        if (i + 8 < target.Outputs)
        {
            target.Y[at + 8] = high;
        }
    }

    /// <summary>A row's scale.</summary>
    public static ReadForResult ReadScale(in ProductTarget target, int row) =>
        new() { Low = target.Scales[XMath.Min(row, target.Rows - 1)] };
}

/// <summary>y = total * scale.</summary>
internal readonly struct ScaledResult : IProductResult
{
    public static ReadForResult Read(in ProductTarget target, int block, int output, int row) =>
        ProductResult.ReadScale(target, row);

    public static void Write(
        in ProductTarget target,
        int block,
        int output,
        int row,
        float low,
        float high,
        in ReadForResult read
    ) =>
        ProductResult.WritePair(
            target,
            block,
            output,
            row,
            UnfusedMath.Multiply(low, read.Low),
            UnfusedMath.Multiply(high, read.Low)
        );
}

/// <summary>y += total.</summary>
internal readonly struct AddedResult : IProductResult
{
    public static ReadForResult Read(in ProductTarget target, int block, int output, int row)
    {
        var i = block * 16 + output;
        var at = (long)XMath.Min(row, target.Rows - 1) * target.Stride;
        return new ReadForResult
        {
            Low = target.Y[at + XMath.Min(i, target.Outputs - 1)],
            High = target.Y[at + XMath.Min(i + 8, target.Outputs - 1)],
        };
    }

    public static void Write(
        in ProductTarget target,
        int block,
        int output,
        int row,
        float low,
        float high,
        in ReadForResult read
    ) => ProductResult.WritePair(target, block, output, row, read.Low + low, read.High + high);
}

/// <summary>
/// y = silu(gate * scale) * (up * scale), in <see cref="TileOrder"/>; of a block's sixteen outputs the first eight are
/// gate's, the others up's.
/// </summary>
internal readonly struct GatedResult : IProductResult
{
    public static ReadForResult Read(in ProductTarget target, int block, int output, int row) =>
        ProductResult.ReadScale(target, row);

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
        var i = block * 8 + output;
        if (row < target.Rows && i < target.Outputs / 2)
        {
            target.Y[TileOrder.At(row, i, target.Stride)] = Value(low, high, read);
        }
    }

    /// <summary>The result.</summary>
    public static float Value(float gate, float up, in ReadForResult read) =>
        SwiGluKernel.Apply(UnfusedMath.Multiply(gate, read.Low), UnfusedMath.Multiply(up, read.Low));
}

/// <summary>The same, and its two bf16 parts besides (<see cref="ProductTarget.Cores"/>).</summary>
internal readonly struct GatedCoresResult : IProductResult
{
    public static ReadForResult Read(in ProductTarget target, int block, int output, int row) =>
        ProductResult.ReadScale(target, row);

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
        // The column beside it is four lanes away.
        var i = block * 8 + output;
        var value = GatedResult.Value(low, high, read);
        var beside = Warp.ShuffleXor(value, 4);
        if (row < target.Rows && i < target.Outputs / 2)
        {
            target.Y[TileOrder.At(row, i, target.Stride)] = value;
            target.Cores.StoreHalfPair(row, i, value, beside);
        }
    }
}
