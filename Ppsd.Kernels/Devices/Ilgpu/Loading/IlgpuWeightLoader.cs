using ILGPU;
using ILGPU.Runtime;
using Ppsd.Kernels.Checkpoints.Tensors;
using Ppsd.Kernels.Devices.Ilgpu.Buffers;
using Ppsd.Kernels.Devices.Ilgpu.Driver;
using Ppsd.Kernels.Devices.Ilgpu.Lane;
using Ppsd.Kernels.Devices.Ilgpu.Products;
using Ppsd.Kernels.Devices.Ilgpu.Rows;
using Ppsd.Kernels.Weights;

namespace Ppsd.Kernels.Devices.Ilgpu.Loading;

/// <summary>
/// Brings weights onto a device and lays them out there: threads copy rows from the memory map into page-locked memory,
/// the device fetches and packs them, and two such chunks take turns. Nothing of the weights stays in host memory.
/// Synthetic weights are made on the device.
/// </summary>
internal sealed class IlgpuWeightLoader(Accelerator accelerator, IlgpuKernels kernels, MatrixQueue queue) : IDisposable
{
    private const int ChunkBytes = 32 << 20;

    private readonly UploadChunk[] _chunks = [new(accelerator), new(accelerator)];
    private int _nextChunk;

    /// <summary>Matrices stacked on top of each other.</summary>
    public IlgpuMatrix Load(ReadOnlySpan<Weight> stacked)
    {
        Weight[] parts = [.. stacked];
        var rows = checked((int)parts.Sum(part => part.RowCount));
        var columns = checked((int)parts[0].RowLength);
        if (!Array.TrueForAll(parts, part => part.ElementType == ElementType.BFloat16))
        {
            var plain = new IlgpuRowMatrix(accelerator, rows, columns);
            LoadRows(plain, new StackedWeightRows(parts));
            return new RowMatrix(plain, queue);
        }

        var matrix = new IlgpuTiledMatrix(accelerator, rows, columns, Tiles.RowBlocks(rows));
        if (Array.TrueForAll(parts, part => part.Generator is not null && part.RowCount % TensorCore.TileRows == 0))
        {
            Generate(matrix, parts);
            return new TiledMatrix(matrix, queue);
        }

        var source = new StackedWeightRows(parts);
        Pack(matrix, source, 0, source, TensorCore.TileRows / 2, TensorCore.TileRows);
        return new TiledMatrix(matrix, queue);
    }

    /// <summary>Gate and up projections; in tiles, if they are bf16, eight rows of each in turns.</summary>
    public IlgpuMatrix LoadGateUp(Weight gate, Weight up)
    {
        if (gate.ElementType != ElementType.BFloat16 || up.ElementType != ElementType.BFloat16)
        {
            return Load([gate, up]);
        }

        const int BlockRows = TensorCore.TileRows / 2;
        var inner = checked((int)gate.RowCount);
        var columns = checked((int)gate.RowLength);
        var matrix = new IlgpuTiledMatrix(accelerator, 2 * inner, columns, (inner + BlockRows - 1) / BlockRows);
        if (gate.Generator is not null && up.Generator is not null)
        {
            Generate(matrix, 0, matrix.RowBlocks, Rows(gate, 0, BlockRows), Rows(up, 0, BlockRows));
            return new TiledMatrix(matrix, queue);
        }

        Pack(matrix, new StackedWeightRows([gate]), 0, new StackedWeightRows([up]), 0, BlockRows);
        return new TiledMatrix(matrix, queue);
    }

    /// <summary>Waits until all weights are in place.</summary>
    public void Dispose()
    {
        foreach (var chunk in _chunks)
        {
            chunk.Dispose();
        }
    }

    private void LoadRows(IlgpuRowMatrix matrix, StackedWeightRows source)
    {
        var rowBytes = matrix.Stride * sizeof(float);
        var chunkRows = Math.Max(1, ChunkBytes / rowBytes);
        for (var first = 0; first < matrix.Rows; first += chunkRows)
        {
            var rows = Math.Min(chunkRows, matrix.Rows - first);
            var chunk = NextChunk((long)rows * rowBytes);
            source.CopyFloat32(first, rows, matrix.Columns, matrix.Stride, chunk.Host);
            var values = (long)rows * matrix.Stride / 4;
            var target = matrix.Loads.SubView((long)first * matrix.Stride / 4, values);
            target.Cast<byte>().CopyFrom(chunk.Stream, chunk.HostView.SubView(0, (long)rows * rowBytes));
        }
    }

    /// <summary>Low rows of block b are <paramref name="blockRows"/> b on, high ones <paramref name="highOffset"/> further.</summary>
    private void Pack(
        IlgpuTiledMatrix matrix,
        StackedWeightRows low,
        int lowOffset,
        StackedWeightRows high,
        int highOffset,
        int blockRows
    )
    {
        var stride = matrix.TilesPerRow * TensorCore.TileColumns;
        var rowBytes = stride * sizeof(ushort);
        var isOne = ReferenceEquals(low, high);
        var blockBytes = (long)blockRows * rowBytes * (isOne ? 1 : 2);
        var chunkBlocks = (int)Math.Max(1, ChunkBytes / blockBytes);
        for (var first = 0; first < matrix.RowBlocks; first += chunkBlocks)
        {
            var blocks = Math.Min(chunkBlocks, matrix.RowBlocks - first);
            var rows = blocks * blockRows;
            var partBytes = (long)rows * rowBytes;
            var chunk = NextChunk(isOne ? partBytes : 2 * partBytes);
            low.CopyBFloat16(first * blockRows, rows, matrix.Columns, stride, chunk.Host);
            if (!isOne)
            {
                high.CopyBFloat16(first * blockRows, rows, matrix.Columns, stride, chunk.Host[(int)partBytes..]);
            }

            var words = chunk.Upload(isOne ? partBytes : 2 * partBytes).Cast<uint>();
            var highStart = isOne ? 0 : partBytes / sizeof(uint);
            var highAt = highStart + (long)highOffset * stride / 2;
            kernels.PackRows(
                chunk.Stream,
                new KernelConfig(new Index2D(matrix.TilesPerRow, blocks), new Index2D(GroupSum.WarpSize, 1)),
                words.SubView((long)lowOffset * stride / 2, words.Length - (long)lowOffset * stride / 2),
                words.SubView(highAt, words.Length - highAt),
                blockRows,
                matrix.Blocks(first, blocks),
                matrix.TilesPerRow
            );
        }
    }

    private void Generate(IlgpuTiledMatrix matrix, Weight[] parts)
    {
        var block = 0;
        foreach (var part in parts)
        {
            var blocks = (int)part.RowCount / TensorCore.TileRows;
            Generate(
                matrix,
                block,
                blocks,
                Rows(part, 0, TensorCore.TileRows),
                Rows(part, TensorCore.TileRows / 2, TensorCore.TileRows)
            );
            block += blocks;
        }
    }

    private void Generate(IlgpuTiledMatrix matrix, int firstBlock, int blocks, GeneratedRows low, GeneratedRows high) =>
        kernels.PackGenerated(
            _chunks[0].Stream,
            new KernelConfig(new Index2D(matrix.TilesPerRow, blocks), new Index2D(GroupSum.WarpSize, 1)),
            low,
            high,
            matrix.Blocks(firstBlock, blocks),
            matrix.TilesPerRow
        );

    private static GeneratedRows Rows(Weight weight, int firstRow, int blockRows) =>
        new()
        {
            Key = weight.Generator!.Value.Key,
            StepSize = weight.Generator!.Value.StepSize,
            Rows = (int)weight.RowCount,
            Columns = (int)weight.RowLength,
            FirstRow = firstRow,
            BlockRows = blockRows,
        };

    private UploadChunk NextChunk(long byteCount)
    {
        var chunk = _chunks[_nextChunk];
        _nextChunk = (_nextChunk + 1) % _chunks.Length;
        chunk.Reserve(byteCount);
        return chunk;
    }

    /// <summary>Page-locked memory, the device memory it goes to, and a stream of their own.</summary>
    private sealed class UploadChunk(Accelerator accelerator) : IDisposable
    {
        private PageLockedArray1D<byte>? _host;
        private MemoryBuffer1D<byte, Stride1D.Dense>? _device;

        public AcceleratorStream Stream { get; } = accelerator.CreateStream();

        public Span<byte> Host => _host!.Span;

        public ArrayView<byte> HostView => _host!.ArrayView;

        /// <summary>Waits until the chunk is free.</summary>
        public void Reserve(long byteCount)
        {
            Stream.Synchronize();
            if (_host is null || _host.Length < byteCount)
            {
                _host?.Dispose();
                _device?.Dispose();
                _host = accelerator.AllocatePageLocked1D<byte>(byteCount);
                _device = accelerator.AllocateElements<byte>(byteCount);
            }
        }

        public ArrayView<byte> Upload(long byteCount)
        {
            var target = _device!.View.BaseView.SubView(0, byteCount);
            target.CopyFrom(Stream, HostView.SubView(0, byteCount));
            return target;
        }

        public void Dispose()
        {
            Stream.Synchronize();
            _host?.Dispose();
            _device?.Dispose();
            Stream.Dispose();
        }
    }
}
