using ILGPU;
using Ppsd.Kernels.Devices;
using Ppsd.Kernels.Devices.Ilgpu.Buffers;

namespace Ppsd.Kernels.Distillation.Ilgpu.Kernels;

/// <summary>Rows of fp32 as kernels see them, [rows, stride].</summary>
internal struct RowsView
{
    /// <summary>The values.</summary>
    public ArrayView<float> Values;

    /// <summary>Values from one row to the next.</summary>
    public int Stride;

    /// <summary>Values of a row.</summary>
    public int Width;

    /// <summary>A buffer's rows.</summary>
    public static RowsView Of(Activations buffer)
    {
        var rows = (IlgpuActivations)buffer;
        return new RowsView
        {
            Values = rows.View,
            Stride = rows.Stride,
            Width = rows.Width,
        };
    }

    /// <summary>Index of a value.</summary>
    public readonly long At(int row, int column) => (long)row * Stride + column;
}
