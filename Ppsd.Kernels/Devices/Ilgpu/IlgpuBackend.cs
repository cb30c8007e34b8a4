using System.Numerics;
using ILGPU;
using ILGPU.Runtime;
using Ppsd.Kernels.Devices.Ilgpu.Attention;
using Ppsd.Kernels.Devices.Ilgpu.Attention.KvCache;
using Ppsd.Kernels.Devices.Ilgpu.Attention.Tiling;
using Ppsd.Kernels.Devices.Ilgpu.Buffers;
using Ppsd.Kernels.Devices.Ilgpu.Draws;
using Ppsd.Kernels.Devices.Ilgpu.Driver;
using Ppsd.Kernels.Devices.Ilgpu.Lane;
using Ppsd.Kernels.Devices.Ilgpu.Loading;
using Ppsd.Kernels.Devices.Ilgpu.Products.Narrow;
using Ppsd.Kernels.Devices.Ilgpu.Products.Wide;
using Ppsd.Kernels.Devices.Ilgpu.Rows;
using Ppsd.Kernels.Devices.Ilgpu.Step;
using Ppsd.Kernels.Weights;

namespace Ppsd.Kernels.Devices.Ilgpu;

/// <summary>
/// A device behind ILGPU: a CUDA card, or ILGPU's simulator as a test oracle of the same kernels. Operations are queued
/// on one stream; <see cref="Download"/> waits for them. Weights stay as the checkpoint has them (bf16; fp16 and fp32 as
/// fp32), activations are fp32.
/// </summary>
internal sealed class IlgpuBackend : Backend
{
    private const int InitialTransfer = 4096;

    private readonly IlgpuDevice _device;
    private readonly Accelerator _accelerator;
    private readonly StepQueue _queue;
    private readonly AcceleratorStream _stream;
    private readonly IlgpuKernels _kernels;
    private readonly IlgpuKvKernels _kvKernels;
    private readonly NarrowProducts _narrow;
    private readonly WideProducts _wide;
    private readonly StepWords _words;
    private readonly CollectedRows _collected;
    private DrawKernels? _drawKernels;
    private IlgpuWeightLoader? _loader;
    private PageLockedArray1D<float> _transfer;
    private RowContexts _contexts;
    private StepState _step;
    private int _rows;
    private int _longestContext;

    /// <summary>Takes ownership of the device.</summary>
    /// <param name="device">The device.</param>
    /// <param name="kvIsBFloat16">True to hold keys and values in bf16, false in fp32.</param>
    /// <param name="limits">What kernels may count on; by default all that the device has.</param>
    public IlgpuBackend(IlgpuDevice device, bool kvIsBFloat16, IlgpuLimits? limits = null)
    {
        _device = device;
        _accelerator = device.Accelerator;
        _queue = new StepQueue(_accelerator);
        _stream = _queue.Stream;
        _kernels = new IlgpuKernels(_accelerator);
        var known = limits ?? IlgpuLimits.Of(_accelerator);
        _narrow = new NarrowProducts(_accelerator, known.SharedBytes);
        _wide = new WideProducts(_accelerator);
        _kvKernels = IlgpuKvKernels.Create(_accelerator, kvIsBFloat16, known);
        _words = new StepWords(_accelerator);
        PointAtWords();
        _collected = new CollectedRows(_accelerator, _queue, _kernels);
        _transfer = _accelerator.AllocatePageLocked1D<float>(InitialTransfer);
    }

    public override string Name => _device.Name;

    public override string Description => _device.Description;

    private IlgpuWeightLoader Loader => _loader ??= new IlgpuWeightLoader(_accelerator, _kernels);

    internal override int KvElementBytes => _kvKernels.ElementBytes;

    internal override bool IsQueued => true;

    internal override long KvCacheBytesFor(long kvValuesPerToken, DeviceShare share) =>
        share.KvCacheBytes(kvValuesPerToken, _device.Memory);

    internal override Activations AllocateActivations(int rows, int width) =>
        new IlgpuActivations(_accelerator, rows, width);

    internal override Activations AllocateProductInput(int rows, int width) =>
        new IlgpuProductInput(_accelerator, rows, width);

    internal override TokenDraws AllocateDraws(int rows, int vocabSize) =>
        new IlgpuDraws(_accelerator, _drawKernels ??= new(_accelerator), _queue, _words, rows, vocabSize);

    internal override KvMemory AllocateKv(KvShape shape) => _kvKernels.Allocate(_accelerator, shape);

    internal override NormedRows AllocateNormed(int rows, int width) => new IlgpuNormedRows(_accelerator, rows, width);

    internal override WeightMatrix LoadMatrix(params ReadOnlySpan<Weight> stacked) => Loader.Load(stacked);

    internal override WeightMatrix LoadGateUp(Weight gate, Weight up) => Loader.LoadGateUp(gate, up);

    internal override void FinishLoading()
    {
        _loader?.Dispose();
        _loader = null;
    }

    internal override WeightVector LoadVector(Weight weight)
    {
        var values = new float[Tiles.RoundUp((int)weight.RowLength)];
        weight.ReadRow(0, values.AsSpan(0, (int)weight.RowLength));
        return new IlgpuVector(_accelerator.AllocateCopy(values), (int)weight.RowLength);
    }

    internal override IDisposable LoadRotary(RotaryTable table) =>
        new IlgpuRotaryTable(
            _accelerator.AllocateCopy(table.Cosines),
            _accelerator.AllocateCopy(table.Sines),
            table.Length
        );

    internal override bool TryRecover() => _queue.TryRecover();

    internal override void BeginStep(StepBatch batch)
    {
        // A cancelled step leaves its queue behind; the page-locked memory it reads from must not change under it.
        if (_queue.IsBusy)
        {
            _queue.Wait();
        }

        _words.Begin(batch, _queue);
        PointAtWords();
        _rows = batch.RowCount;
        _longestContext = _rows <= TensorCore.Width ? ContextBucket(batch.LongestContext) : batch.LongestContext;
    }

    internal override void Run(StepPart part, int firstRow, Action operations)
    {
        // Chunks of a prompt come in too many shapes, and are too long for their launches to count.
        if (_rows > TensorCore.Width)
        {
            operations();
            return;
        }

        var hasFilters = part != StepPart.Layers && _words.HasFilters;
        _queue.Run(new StepKey(part, _rows, firstRow, _longestContext, hasFilters), operations);
    }

    internal override long CacheBytes => _device.CacheBytes;

    internal override double MeasureMs(Action operations) => _queue.MeasureMs(operations);

    internal override ReadOnlySpan<float> Collected => _collected.Values;

    internal override double StepDeviceMs => _queue.Clock?.StepMs ?? 0;

    internal override double? DeviceMs => _queue.Clock?.TotalMs;

    internal override void BeginDownload(Activations source, int rows) =>
        _collected.Queue(_words.Current, (IlgpuActivations)source, rows);

    internal override bool TryCollect(Func<bool> isCancelled) => _collected.TryWait(_words.StepNumber, isCancelled);

    internal override void Upload(ReadOnlySpan<float> source, Activations target, int rows)
    {
        var to = (IlgpuRows)target;
        var length = to.Extent(rows);
        ReserveTransfer(length);
        var staged = _transfer.ArrayView.SubView(0, length);
        if (length > rows * to.Stride)
        {
            // Other rows lie among these, and stay as they are.
            to.View.SubView(0, length).CopyTo(_stream, staged);
            _queue.Wait();
        }

        for (var row = 0; row < rows; row++)
        {
            to.Put(source.Slice(row * to.Width, to.Width), row, _transfer.Span);
        }

        to.View.SubView(0, length).CopyFrom(_stream, staged);
    }

    internal override void Download(Activations source, int rows, Span<float> target)
    {
        var from = (IlgpuRows)source;
        var length = from.Extent(rows);
        ReserveTransfer(length);
        from.View.SubView(0, length).CopyTo(_stream, _transfer.ArrayView.SubView(0, length));
        _queue.Wait();
        for (var row = 0; row < rows; row++)
        {
            from.Take(_transfer.Span, row, target.Slice(row * from.Width, from.Width));
        }
    }

    internal override void CopyRows(Activations source, int firstRow, int rows, Activations target)
    {
        var from = ((IlgpuActivations)source).Rows(firstRow, rows);
        var groups = (int)((from.Length + CopyKernel.GroupSize - 1) / CopyKernel.GroupSize);
        _kernels.Copy(
            _stream,
            new KernelConfig(groups, CopyKernel.GroupSize),
            from,
            ((IlgpuActivations)target).Rows(0, rows)
        );
    }

    internal override void Embed(WeightMatrix table, Activations hidden)
    {
        var target = (IlgpuActivations)hidden;
        var config = new KernelConfig(_rows, EmbeddingKernel.GroupSize);
        if (table is IlgpuTiledMatrix tiled)
        {
            _kernels.EmbedTiled(_stream, config, _contexts, tiled.View, target.View, target.Width, target.Stride);
            return;
        }

        var plain = (IlgpuRowMatrix)table;
        _kernels.EmbedFloat32(
            _stream,
            config,
            _contexts,
            plain.Loads.Cast<float>(),
            plain.Stride,
            target.View,
            target.Width,
            target.Stride
        );
    }

    internal override void RmsNorm(Activations x, int firstRow, int rows, Norm norm, NormedRows y) =>
        _kernels.Norm(
            _stream,
            new KernelConfig(rows, NormKernel.GroupSize),
            ((IlgpuActivations)x).Rows(firstRow, rows),
            ((IlgpuNormedRows)y).For(norm)
        );

    internal override void MatMul(NormedRows x, WeightMatrix weight, Activations y, int rows)
    {
        var from = ((IlgpuNormedRows)x).View;
        var to = (IlgpuActivations)y;
        if (weight is IlgpuTiledMatrix wide && rows >= WideProducts.MinRows)
        {
            _wide.Project(_stream, _step, wide, from, x.Capacity, rows, to);
            return;
        }

        if (weight is IlgpuTiledMatrix tiled)
        {
            _narrow.Multiply(_stream, _step, tiled, from, rows, to);
            return;
        }

        Multiply(from, (IlgpuRowMatrix)weight, to, rows, accumulate: 0);
    }

    internal override void MatMulSwiGlu(NormedRows x, WeightMatrix gateUp, Activations scratch, Activations y, int rows)
    {
        var to = (IlgpuProductInput)y;
        if (gateUp is IlgpuTiledMatrix wide && rows >= WideProducts.MinRows)
        {
            _wide.ProjectGated(_stream, _step, wide, ((IlgpuNormedRows)x).View, x.Capacity, rows, to);
            return;
        }

        if (gateUp is IlgpuTiledMatrix tiled)
        {
            _narrow.MultiplyGated(_stream, _step, tiled, ((IlgpuNormedRows)x).View, rows, to);
            return;
        }

        MatMul(x, gateUp, scratch, rows);
        var both = (IlgpuActivations)scratch;
        var groups = (to.Width + SwiGluKernel.GroupSize - 1) / SwiGluKernel.GroupSize;
        _kernels.SwiGlu(
            _stream,
            new KernelConfig(new Index2D(groups, rows), new Index2D(SwiGluKernel.GroupSize, 1)),
            both.View,
            both.Stride,
            to.View,
            to.Width,
            to.Stride
        );
    }

    internal override void MatMulAdd(
        Activations x,
        WeightMatrix weight,
        Activations hidden,
        int rows,
        Norm? next = null,
        NormedRows? normed = null
    )
    {
        var from = (IlgpuProductInput)x;
        var to = (IlgpuActivations)hidden;
        if (weight is IlgpuTiledMatrix tiled && rows < WideProducts.MinRows)
        {
            var half = next is null ? Unnormed(to) : ((IlgpuNormedRows)normed!).For(next);
            _narrow.AddTo(_stream, _step, tiled, Unnormed(from), rows, to, half);
            return;
        }

        if (weight is IlgpuTiledMatrix wide)
        {
            _wide.Add(_stream, _step, wide, Unnormed(from), x.Capacity, rows, to);
        }
        else
        {
            Multiply(Unnormed(from), (IlgpuRowMatrix)weight, to, rows, accumulate: 1);
        }

        if (next is not null)
        {
            RmsNorm(hidden, 0, rows, next, normed!);
        }
    }

    internal override void AppendKv(Activations qkv, AttentionShape shape, IDisposable rotary, KvMemory kv) =>
        _kvKernels.Append(_stream, _contexts, _rows, (IlgpuActivations)qkv, shape, (IlgpuRotaryTable)rotary, kv);

    internal override void Attend(
        Activations qkv,
        AttentionShape shape,
        IDisposable rotary,
        KvMemory kv,
        Activations y
    ) =>
        _kvKernels.Attend(
            _stream,
            _contexts,
            _rows,
            _longestContext,
            (IlgpuActivations)qkv,
            shape,
            (IlgpuRotaryTable)rotary,
            kv,
            (IlgpuProductInput)y
        );

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _stream.Synchronize();
            _transfer.Dispose();
            _words.Dispose();
            _loader?.Dispose();
            _kvKernels.Dispose();
            _wide.Dispose();
            _collected.Dispose();
            _queue.Dispose();
            _device.Dispose();
        }
    }

    /// <summary>Room for a context: few sizes, so that few steps need recording; blocks beyond the context end at once.</summary>
    private static int ContextBucket(int length) =>
        Math.Max(AttentionTiling.ChunkLength, (int)BitOperations.RoundUpToPowerOf2((uint)length));

    private void PointAtWords()
    {
        _step = new StepState { Current = _words.Current, Cancelled = _queue.Cancelled };
        _contexts = _words.Rows;
    }

    /// <summary>Rows without a norm; no view of a kernel may be empty.</summary>
    private static NormedRowsView Unnormed(IlgpuRows rows) =>
        new()
        {
            Values = rows.View,
            Partials = rows.View,
            Weight = rows.View,
            Stride = rows.Stride,
        };

    private void Multiply(NormedRowsView x, IlgpuRowMatrix weight, IlgpuActivations y, int rows, int accumulate)
    {
        var groups = (weight.Rows + MatMulKernel.OutputsPerGroup - 1) / MatMulKernel.OutputsPerGroup;
        _kernels.MatMulFloat32(
            _stream,
            new KernelConfig(new Index2D(groups, rows), new Index2D(MatMulKernel.GroupSize, 1)),
            weight.Loads,
            x,
            y.View,
            weight.Rows,
            weight.Stride / 8,
            y.Stride,
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
