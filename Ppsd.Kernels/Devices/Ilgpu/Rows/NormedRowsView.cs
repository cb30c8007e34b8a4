using ILGPU;
using Ppsd.Kernels.Devices.Ilgpu.Buffers;
using Ppsd.Kernels.Devices.Ilgpu.Lane;

namespace Ppsd.Kernels.Devices.Ilgpu.Rows;

/// <summary>Rows before or after half a norm, in device memory; see <see cref="NormScale"/>.</summary>
internal struct NormedRowsView
{
    /// <summary>Values times the norm's weight, [rows, stride] in <see cref="TileOrder"/>.</summary>
    public ArrayView<float> Values;

    /// <summary>Sums of squares of the values without that weight, [rows, blocks]; empty for rows without a norm.</summary>
    public ArrayView<float> Partials;

    /// <summary>The norm's weight, padded with zeros to whole blocks.</summary>
    public ArrayView<float> Weight;

    /// <summary>Values of a row with their padding.</summary>
    public int Stride;

    /// <summary>Partial sums of a row; 0 for rows without a norm.</summary>
    public int Blocks;

    /// <summary>1 / values of a row.</summary>
    public float InverseWidth;

    /// <summary>Added to the mean square.</summary>
    public float Epsilon;

    /// <summary>Rows without a norm; no view of a kernel may be empty.</summary>
    public static NormedRowsView Unnormed(IlgpuRows rows) =>
        new()
        {
            Values = rows.View,
            Partials = rows.View,
            Weight = rows.View,
            Stride = rows.Stride,
        };
}
