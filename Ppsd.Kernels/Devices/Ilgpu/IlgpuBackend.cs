using System.Runtime.InteropServices;
using ILGPU;
using ILGPU.Runtime;
using Ppsd.Kernels.Checkpoints;
using Ppsd.Kernels.Model;
using Ppsd.Kernels.Weights;

namespace Ppsd.Kernels.Devices.Ilgpu;

/// <summary>
/// A device behind ILGPU: a CUDA card, or ILGPU's simulator as a test oracle of the same kernels. Operations are queued
/// on one stream; <see cref="Download"/> waits for them. Weights stay as the checkpoint has them (bf16; fp16 and fp32 as
/// fp32), activations are fp32.
/// </summary>
internal sealed class IlgpuBackend : Backend
{
    private const int UploadChunkBytes = 16 << 20;

    private readonly IlgpuDevice _device;
    private readonly Accelerator _accelerator;
    private readonly AcceleratorStream _stream;
    private readonly IlgpuKernels _kernels;
    private readonly IlgpuKvKernels _kvKernels;
    private readonly RowContextUpload _layout = new();
    private MemoryBuffer1D<int, Stride1D.Dense> _rowWords;
    private PageLockedArray1D<int> _rowWordsHost;
    private PageLockedArray1D<float> _transfer;
    private RowContexts _contexts;
    private int _rows;
    private int _longestContext;
    private bool _isBusy;

    /// <summary>Takes ownership of the device.</summary>
    /// <param name="device">The device.</param>
    /// <param name="kvIsBFloat16">True to hold keys and values in bf16, false in fp32.</param>
    public IlgpuBackend(IlgpuDevice device, bool kvIsBFloat16)
    {
        _device = device;
        _accelerator = device.Accelerator;

        // Never the default stream: it is the legacy null stream, which orders itself against all others.
        _stream = _accelerator.CreateStream();
        _kernels = new IlgpuKernels(_accelerator);
        _kvKernels = IlgpuKvKernels.Create(_accelerator, kvIsBFloat16);
        _rowWords = _accelerator.Allocate1D<int>(4096);
        _rowWordsHost = _accelerator.AllocatePageLocked1D<int>(4096);
        _transfer = _accelerator.AllocatePageLocked1D<float>(4096);
    }

    public override string Name => _device.Name;

    public override string Description => _device.Description;

    internal override int KvElementBytes => _kvKernels.ElementBytes;

    internal override long DefaultKvCacheBytes => _device.FreeBytes * 8 / 10;

    internal override Activations AllocateActivations(int rows, int width) =>
        new IlgpuActivations(_accelerator, rows, width);

    internal override KvMemory AllocateKv(KvShape shape) => _kvKernels.Allocate(_accelerator, shape);

    internal override WeightMatrix LoadMatrix(params ReadOnlySpan<Weight> stacked)
    {
        var rows = 0;
        var isBFloat16 = true;
        foreach (var weight in stacked)
        {
            rows += checked((int)weight.RowCount);
            isBFloat16 &= weight.ElementType == ElementType.BFloat16;
        }

        var columns = checked((int)stacked[0].RowLength);
        var rowBytes = ColumnGroups.RoundUp(columns) * (isBFloat16 ? sizeof(ushort) : sizeof(float));
        var buffer = _accelerator.Allocate1D<UInt4>((long)rows * rowBytes / 16);
        var chunkRows = Math.Max(1, UploadChunkBytes / rowBytes);
        var chunk = new byte[(long)Math.Min(chunkRows, rows) * rowBytes];
        var target = 0L;
        foreach (var weight in stacked)
        {
            for (var first = 0L; first < weight.RowCount; first += chunkRows)
            {
                var count = (int)Math.Min(chunkRows, weight.RowCount - first);
                FillChunk(weight, first, count, columns, rowBytes, isBFloat16, chunk);
                var loads = MemoryMarshal.Cast<byte, UInt4>(chunk.AsSpan(0, count * rowBytes));
                buffer.View.SubView(target, loads.Length).BaseView.CopyFromCPU(_stream, loads);
                _stream.Synchronize();
                target += loads.Length;
            }
        }

        return new IlgpuMatrix(buffer, rows, columns, isBFloat16);
    }

    internal override WeightVector LoadVector(Weight weight)
    {
        var values = new float[weight.RowLength];
        weight.ReadRow(0, values);
        return new IlgpuVector(_accelerator.Allocate1D(values));
    }

    internal override IDisposable LoadRotary(RotaryTable table) =>
        new IlgpuRotaryTable(
            _accelerator.Allocate1D(table.Cosines),
            _accelerator.Allocate1D(table.Sines),
            table.Length
        );

    internal override void BeginStep(StepBatch batch)
    {
        // A cancelled step leaves its queue behind; the page-locked memory it reads from must not change under it.
        if (_isBusy)
        {
            _stream.Synchronize();
        }

        var words = _layout.Write(batch);
        if (words.Length > _rowWords.Length)
        {
            _rowWords.Dispose();
            _rowWordsHost.Dispose();
            _rowWords = _accelerator.Allocate1D<int>(words.Length * 2);
            _rowWordsHost = _accelerator.AllocatePageLocked1D<int>(words.Length * 2);
        }

        words.CopyTo(_rowWordsHost.Span);
        _rowWords
            .View.SubView(0, words.Length)
            .BaseView.CopyFrom(_stream, _rowWordsHost.ArrayView.SubView(0, words.Length));
        _contexts = new RowContexts { Words = _rowWords.View.BaseView };
        _rows = batch.RowCount;
        _longestContext = batch.LongestContext;
        _isBusy = true;
    }

    internal override void Upload(ReadOnlySpan<float> source, Activations target, int rows)
    {
        var to = (IlgpuActivations)target;
        var length = rows * to.Stride;
        ReserveTransfer(length);
        for (var row = 0; row < rows; row++)
        {
            source.Slice(row * to.Width, to.Width).CopyTo(_transfer.Span.Slice(row * to.Stride, to.Width));
            _transfer.Span.Slice(row * to.Stride + to.Width, to.Stride - to.Width).Clear();
        }

        to.Rows(0, rows).CopyFrom(_stream, _transfer.ArrayView.SubView(0, length));
    }

    internal override void Download(Activations source, int rows, Span<float> target)
    {
        var from = (IlgpuActivations)source;
        var length = rows * from.Stride;
        ReserveTransfer(length);
        from.Rows(0, rows).CopyTo(_stream, _transfer.ArrayView.SubView(0, length));
        _stream.Synchronize();
        _isBusy = false;
        for (var row = 0; row < rows; row++)
        {
            _transfer.Span.Slice(row * from.Stride, from.Width).CopyTo(target.Slice(row * from.Width, from.Width));
        }
    }

    internal override void CopyRows(Activations source, int firstRow, int rows, Activations target)
    {
        var from = ((IlgpuActivations)source).Rows(firstRow, rows);
        from.CopyTo(_stream, ((IlgpuActivations)target).Rows(0, rows));
    }

    internal override void Embed(WeightMatrix table, Activations hidden)
    {
        var matrix = (IlgpuMatrix)table;
        var target = (IlgpuActivations)hidden;
        var config = new KernelConfig(_rows, EmbeddingKernel.GroupSize);
        if (matrix.IsBFloat16)
        {
            _kernels.EmbedBFloat16(
                _stream,
                config,
                _contexts,
                matrix.BFloat16Loads.Cast<uint>(),
                matrix.ColumnGroupCount * 4,
                target.View,
                target.Width,
                target.Stride
            );
            return;
        }

        _kernels.EmbedFloat32(
            _stream,
            config,
            _contexts,
            matrix.Float32Loads.Cast<float>(),
            matrix.ColumnGroupCount * ColumnGroups.Size,
            target.View,
            target.Width,
            target.Stride
        );
    }

    internal override void RmsNorm(Activations x, WeightVector weight, float epsilon, Activations y, int rows)
    {
        var from = (IlgpuActivations)x;
        _kernels.RmsNorm(
            _stream,
            new KernelConfig(rows, RmsNormKernel.GroupSize),
            from.View,
            ((IlgpuVector)weight).View,
            epsilon,
            ((IlgpuActivations)y).View,
            from.Width,
            from.Stride
        );
    }

    internal override void MatMul(Activations x, WeightMatrix weight, Activations y, int rows) =>
        Multiply(x, weight, y, rows, accumulate: 0);

    internal override void MatMulAdd(Activations x, WeightMatrix weight, Activations y, int rows) =>
        Multiply(x, weight, y, rows, accumulate: 1);

    internal override void RotateAndStore(Activations qkv, AttentionShape shape, IDisposable rotary, KvMemory kv) =>
        _kvKernels.RotateAndStore(
            _stream,
            _contexts,
            _rows,
            (IlgpuActivations)qkv,
            shape,
            (IlgpuRotaryTable)rotary,
            kv
        );

    internal override void Attend(Activations qkv, AttentionShape shape, KvMemory kv, Activations y) =>
        _kvKernels.Attend(_stream, _contexts, _rows, _longestContext, shape, kv, (IlgpuActivations)y);

    internal override void SwiGlu(Activations gateUp, Activations y, int rows)
    {
        var from = (IlgpuActivations)gateUp;
        var to = (IlgpuActivations)y;
        var groups = (to.Width + SwiGluKernel.GroupSize - 1) / SwiGluKernel.GroupSize;
        _kernels.SwiGlu(
            _stream,
            new KernelConfig(new Index2D(groups, rows), new Index2D(SwiGluKernel.GroupSize, 1)),
            from.View,
            from.Stride,
            to.View,
            to.Width,
            to.Stride
        );
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _stream.Synchronize();
            _transfer.Dispose();
            _rowWordsHost.Dispose();
            _rowWords.Dispose();
            _kvKernels.Dispose();
            _stream.Dispose();
            _device.Dispose();
        }
    }

    private static void FillChunk(
        Weight weight,
        long firstRow,
        int rows,
        int columns,
        int rowBytes,
        bool isBFloat16,
        Span<byte> chunk
    )
    {
        var single = weight is CheckpointWeight ? [] : new float[columns];
        for (var row = 0; row < rows; row++)
        {
            var target = chunk.Slice(row * rowBytes, rowBytes);
            if (isBFloat16)
            {
                var bytes = columns * sizeof(ushort);
                if (weight is CheckpointWeight { Tensor: var tensor })
                {
                    tensor.Bytes((firstRow + row) * bytes, bytes).CopyTo(target);
                }
                else
                {
                    weight.ReadRow(firstRow + row, single);
                    for (var column = 0; column < columns; column++)
                    {
                        // The upper half is the value: a bf16 weight.
                        MemoryMarshal.Cast<byte, ushort>(target)[column] = (ushort)(
                            BitConverter.SingleToUInt32Bits(single[column]) >> 16
                        );
                    }
                }

                target[bytes..].Clear();
            }
            else
            {
                weight.ReadRow(firstRow + row, MemoryMarshal.Cast<byte, float>(target)[..columns]);
                target[(columns * sizeof(float))..].Clear();
            }
        }
    }

    private void Multiply(Activations x, WeightMatrix weight, Activations y, int rows, int accumulate)
    {
        var matrix = (IlgpuMatrix)weight;
        var to = (IlgpuActivations)y;
        var groups = (matrix.Rows + MatMulKernel.OutputsPerGroup - 1) / MatMulKernel.OutputsPerGroup;
        var config = new KernelConfig(new Index2D(groups, rows), new Index2D(MatMulKernel.GroupSize, 1));
        var loads = ((IlgpuActivations)x).Loads;
        if (matrix.IsBFloat16)
        {
            _kernels.MatMulBFloat16(
                _stream,
                config,
                matrix.BFloat16Loads,
                loads,
                to.View,
                matrix.Rows,
                matrix.ColumnGroupCount,
                to.Stride,
                accumulate
            );
            return;
        }

        _kernels.MatMulFloat32(
            _stream,
            config,
            matrix.Float32Loads,
            loads,
            to.View,
            matrix.Rows,
            matrix.ColumnGroupCount,
            to.Stride,
            accumulate
        );
    }

    private void ReserveTransfer(int length)
    {
        if (length > _transfer.Length)
        {
            _stream.Synchronize();
            _transfer.Dispose();
            _transfer = _accelerator.AllocatePageLocked1D<float>(length);
        }
    }
}
