using ILGPU;
using ILGPU.Runtime;
using ILGPU.Runtime.Cuda;
using Ppsd.Kernels.Devices.Ilgpu.Driver;
using Ppsd.Kernels.Devices.Ilgpu.Lane;

namespace Ppsd.Kernels.Devices.Ilgpu.Buffers;

/// <summary>A bf16 matrix in device memory, in tiles.</summary>
internal sealed class IlgpuTiledMatrix : IDisposable
{
    /// <summary>Row blocks that are copied at once by <see cref="Map"/>.</summary>
    public const int CopiedBlocks = 8;

    /// <summary>Tiles of a split that are copied at once.</summary>
    public const int CopiedTiles = 4;

    private const int MapLoads = TensorMap.Bytes / SharedCopy.LoadBytes;
    private const int TileBytes = GroupSum.WarpSize * SharedCopy.LoadBytes;
    private readonly MemoryBuffer1D<UInt4, Stride1D.Dense> _buffer;
    private readonly long _loads;

    public IlgpuTiledMatrix(Accelerator accelerator, int rows, int columns, int rowBlocks)
    {
        Rows = rows;
        Columns = columns;
        RowBlocks = rowBlocks;
        TilesPerRow = Tiles.PerRow(columns);
        _loads = (long)rowBlocks * TilesPerRow * GroupSum.WarpSize;
        _buffer = accelerator.AllocateElements<UInt4>(_loads + MapLoads);
        if (accelerator is CudaAccelerator { Architecture.Major: >= 9 })
        {
            WriteMap(accelerator);
        }
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
            Loads = _buffer.View.BaseView.SubView(0, _loads),
            TilesPerRow = TilesPerRow,
            Rows = Rows,
        };

    /// <summary>
    /// Where the card finds its description (<see cref="TensorMap"/>): [split, tile of a split, row block, 128 words], of which a
    /// copy takes eight row blocks of four tiles. Behind the tiles, which end on a multiple of 512 bytes. Compute
    /// capability 9.0 and later.
    /// </summary>
    public ArrayView<UInt4> Map => _buffer.View.BaseView.SubView(_loads, MapLoads);

    /// <summary>Bytes one read of the whole matrix moves.</summary>
    public long ByteCount => _loads * SharedCopy.LoadBytes;

    /// <summary>The loads of some row blocks.</summary>
    public ArrayView<UInt4> Blocks(long first, long count)
    {
        var blockLoads = (long)TilesPerRow * GroupSum.WarpSize;
        return _buffer.View.BaseView.SubView(first * blockLoads, count * blockLoads);
    }

    public void Dispose() => _buffer.Dispose();

    private void WriteMap(Accelerator accelerator)
    {
        const int Splits = RowSplits.Count;
        Map.CopyFromCPU(
            accelerator.DefaultStream,
            TensorMap.Of<UInt4>(
                DeviceAddress.Of(accelerator, _buffer.View.BaseView),
                [TileBytes / sizeof(uint), (ulong)RowBlocks, (ulong)(TilesPerRow / Splits), Splits],
                [(ulong)TilesPerRow * TileBytes, Splits * TileBytes, TileBytes],
                [TileBytes / sizeof(uint), CopiedBlocks, CopiedTiles, 1]
            )
        );
        accelerator.DefaultStream.Synchronize();
    }
}
