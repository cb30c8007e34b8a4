using ILGPU;
using ILGPU.Runtime;
using Ppsd.Kernels.Devices.Ilgpu.Driver;
using Ppsd.Kernels.Devices.Ilgpu.Lane;

namespace Ppsd.Kernels.Devices.Ilgpu.Buffers;

/// <summary>An fp32 matrix in device memory, row by row, rows padded with zeros to whole tiles of columns.</summary>
internal sealed class IlgpuRowMatrix : IDisposable
{
    private readonly MemoryBuffer1D<Float4, Stride1D.Dense> _buffer;

    public IlgpuRowMatrix(Accelerator accelerator, int rows, int columns)
    {
        Rows = rows;
        Columns = columns;
        Stride = Tiles.RoundUp(columns);
        _buffer = accelerator.AllocateElements<Float4>((long)rows * Stride / 4);
    }

    /// <summary>Output values.</summary>
    public int Rows { get; }

    /// <summary>Input values.</summary>
    public int Columns { get; }

    /// <summary>Values from one row to the next.</summary>
    public int Stride { get; }

    /// <summary>Bytes one read of the whole matrix moves.</summary>
    public long ByteCount => _buffer.LengthInBytes;

    /// <summary>Four weights a load.</summary>
    public ArrayView<Float4> Loads => _buffer.View.BaseView;

    public void Dispose() => _buffer.Dispose();
}
