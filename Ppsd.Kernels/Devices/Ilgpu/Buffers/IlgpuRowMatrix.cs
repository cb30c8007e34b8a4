using ILGPU;
using ILGPU.Runtime;
using Ppsd.Kernels.Devices.Ilgpu.Driver;
using Ppsd.Kernels.Devices.Ilgpu.Lane;

namespace Ppsd.Kernels.Devices.Ilgpu.Buffers;

/// <summary>An fp32 matrix in device memory, row by row, rows padded with zeros to whole tiles of columns.</summary>
internal sealed class IlgpuRowMatrix : WeightMatrix
{
    private readonly MemoryBuffer1D<Float4, Stride1D.Dense> _buffer;

    public IlgpuRowMatrix(Accelerator accelerator, int rows, int columns)
        : base(rows, columns)
    {
        Stride = Tiles.RoundUp(columns);
        _buffer = accelerator.AllocateElements<Float4>((long)rows * Stride / 4);
    }

    /// <summary>Values from one row to the next.</summary>
    public int Stride { get; }

    public override long ByteCount => _buffer.LengthInBytes;

    /// <summary>Four weights a load.</summary>
    public ArrayView<Float4> Loads => _buffer.View.BaseView;

    public override void Dispose() => _buffer.Dispose();
}
