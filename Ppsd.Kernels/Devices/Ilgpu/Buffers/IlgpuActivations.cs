using ILGPU;
using ILGPU.Runtime;
using Ppsd.Kernels.Devices.Ilgpu.Driver;
using Ppsd.Kernels.Devices.Ilgpu.Lane;

namespace Ppsd.Kernels.Devices.Ilgpu.Buffers;

/// <summary>Rows of fp32 in device memory, each padded with zeros to whole tiles of columns, in one order or another.</summary>
internal abstract class IlgpuRows : Activations
{
    private readonly MemoryBuffer1D<Float4, Stride1D.Dense> _buffer;

    /// <summary>Allocates zeros.</summary>
    /// <param name="width">Values of a row.</param>
    /// <param name="paddedRows">Rows that there is room for.</param>
    protected IlgpuRows(Accelerator accelerator, int capacity, int width, int paddedRows)
        : base(capacity, width)
    {
        Stride = Tiles.RoundUp(width);
        _buffer = accelerator.AllocateElements<Float4>((long)paddedRows * Stride / 4);
        _buffer.MemSetToZero();

        // The default stream is ordered against no other.
        accelerator.DefaultStream.Synchronize();
    }

    /// <summary>Values of a row with their padding.</summary>
    public int Stride { get; }

    /// <summary>The values.</summary>
    public ArrayView<float> View => _buffer.View.BaseView.Cast<float>();

    /// <summary>The values, four a load.</summary>
    public ArrayView<Float4> Loads => _buffer.View.BaseView;

    /// <summary>
    /// Number of values from the start that contain the first rows, including values interleaved with them.
    /// </summary>
    public abstract int Extent(int rows);

    /// <summary>Puts a row, and zeros for its padding, where it lies.</summary>
    /// <param name="values">The row, [width].</param>
    /// <param name="extent">The host's copy of an extent that holds it.</param>
    public abstract void Put(ReadOnlySpan<float> values, int row, Span<float> extent);

    /// <summary>Takes a row from where it lies.</summary>
    /// <param name="extent">The host's copy of an extent that holds it.</param>
    /// <param name="values">Receives the row, [width].</param>
    public abstract void Take(ReadOnlySpan<float> extent, int row, Span<float> values);

    public override void Dispose() => _buffer.Dispose();
}

/// <summary>Rows one after another, [rows, stride]: the residual stream, results of products.</summary>
internal sealed class IlgpuActivations(Accelerator accelerator, int capacity, int width)
    : IlgpuRows(accelerator, capacity, width, capacity)
{
    /// <summary>Rows from <paramref name="first"/> on.</summary>
    public ArrayView<float> Rows(int first, int count) => View.SubView((long)first * Stride, (long)count * Stride);

    public override int Extent(int rows) => rows * Stride;

    public override void Put(ReadOnlySpan<float> values, int row, Span<float> extent)
    {
        values.CopyTo(extent.Slice(row * Stride, Width));
        extent.Slice(row * Stride + Width, Stride - Width).Clear();
    }

    public override void Take(ReadOnlySpan<float> extent, int row, Span<float> values) =>
        extent.Slice(row * Stride, Width).CopyTo(values);
}

/// <summary>Rows that a product reads, in <see cref="TileOrder"/>; with room for whole groups of eight.</summary>
internal sealed class IlgpuProductInput(Accelerator accelerator, int capacity, int width)
    : IlgpuRows(accelerator, capacity, width, TileOrder.PaddedRows(capacity))
{
    public override int Extent(int rows) => TileOrder.PaddedRows(rows) * Stride;

    public override void Put(ReadOnlySpan<float> values, int row, Span<float> extent)
    {
        for (var column = 0; column < Stride; column++)
        {
            extent[(int)TileOrder.At(row, column, Stride)] = column < Width ? values[column] : 0f;
        }
    }

    public override void Take(ReadOnlySpan<float> extent, int row, Span<float> values)
    {
        for (var column = 0; column < Width; column++)
        {
            values[column] = extent[(int)TileOrder.At(row, column, Stride)];
        }
    }
}
