using ILGPU;
using ILGPU.Runtime;
using Ppsd.Kernels.Devices.Ilgpu.Driver;
using Ppsd.Kernels.Devices.Ilgpu.Lane;

namespace Ppsd.Kernels.Devices.Ilgpu.Buffers;

/// <summary>A bf16 matrix in device memory, in tiles.</summary>
internal sealed class IlgpuTiledMatrix : IDisposable
{
    private readonly MemoryBuffer1D<UInt4, Stride1D.Dense> _buffer;

    public IlgpuTiledMatrix(Accelerator accelerator, int rows, int columns, int rowBlocks)
    {
        Rows = rows;
        Columns = columns;
        RowBlocks = rowBlocks;
        TilesPerRow = Tiles.PerRow(columns);
        _buffer = accelerator.AllocateElements<UInt4>((long)rowBlocks * TilesPerRow * GroupSum.WarpSize);
    }

    /// <summary>Output values.</summary>
    public int Rows { get; }

    /// <summary>Input values.</summary>
    public int Columns { get; }

    /// <summary>Blocks of sixteen rows; of a gate/up matrix eight of each.</summary>
    public int RowBlocks { get; }

    /// <summary>Tiles of a row block.</summary>
    public int TilesPerRow { get; }

    /// <summary>As kernels see it.</summary>
    public TiledWeights View =>
        new()
        {
            Loads = _buffer.View.BaseView,
            TilesPerRow = TilesPerRow,
            Rows = Rows,
        };

    /// <summary>Bytes one read of the whole matrix moves.</summary>
    public long ByteCount => _buffer.LengthInBytes;

    /// <summary>The loads of some row blocks.</summary>
    public ArrayView<UInt4> Blocks(long first, long count)
    {
        var blockLoads = (long)TilesPerRow * GroupSum.WarpSize;
        return _buffer.View.BaseView.SubView(first * blockLoads, count * blockLoads);
    }

    public void Dispose() => _buffer.Dispose();
}
