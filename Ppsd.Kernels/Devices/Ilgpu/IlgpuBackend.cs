using ILGPU;
using ILGPU.Runtime;
using Ppsd.Kernels.Devices.Ilgpu.Attention;
using Ppsd.Kernels.Devices.Ilgpu.Attention.KvCache;
using Ppsd.Kernels.Devices.Ilgpu.Attention.Tiling;
using Ppsd.Kernels.Devices.Ilgpu.Buffers;
using Ppsd.Kernels.Devices.Ilgpu.Draws;
using Ppsd.Kernels.Devices.Ilgpu.Driver;
using Ppsd.Kernels.Devices.Ilgpu.Loading;
using Ppsd.Kernels.Devices.Ilgpu.Products;
using Ppsd.Kernels.Devices.Ilgpu.Products.Narrow;
using Ppsd.Kernels.Devices.Ilgpu.Products.Warpgroup;
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

    // Steps of candidates are recorded; chunks of a prompt are longer.
    private const int MostRecordedRows = 64;

    private readonly IlgpuDevice _device;
    private readonly Accelerator _accelerator;
    private readonly StepQueue _queue;
    private readonly AcceleratorStream _stream;
    private readonly IlgpuKernels _kernels;
    private readonly IlgpuKvKernels _kvKernels;
    private readonly MatrixQueue _matrices;
    private readonly ManyRowProducts _wide;
    private readonly StepWords _words;
    private readonly ChainWords _chainWords;
    private readonly CollectedRows _collected;
    private DrawKernels? _drawKernels;
    private IlgpuWeightLoader? _loader;
    private PageLockedArray1D<float> _transfer;
    private IReadOnlyList<StepBatch> _chain = [];
    private int _rows;
    private AttentionExtent _extent;
    private bool _isChain;

    /// <summary>Takes ownership of the device.</summary>
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
        _wide =
            WarpgroupTarget.IsUsed(_accelerator) && WarpgroupProducts.SharedBytes <= known.SharedBytes
                ? new WarpgroupProducts(_accelerator, known.Multiprocessors)
                : new WideProducts(_accelerator, known.SharedBytes);
        _matrices = new MatrixQueue(_stream, _kernels, new NarrowProducts(_accelerator, known.SharedBytes), _wide);
        _kvKernels = IlgpuKvKernels.Create(_accelerator, kvIsBFloat16, known);
        _words = new StepWords(_accelerator);
        _chainWords = new ChainWords(_accelerator);
        PointAtWords();
        _collected = new CollectedRows(_accelerator, _queue, _kernels);
        _transfer = _accelerator.AllocatePageLocked1D<float>(InitialTransfer);
    }

    public override string Name => _device.Name;

    public override string Description => _device.Description;

    public override string Arithmetic => $"{_device.Architecture} kv-type={8 * KvElementBytes}-bit";

    private IlgpuWeightLoader Loader => _loader ??= new IlgpuWeightLoader(_accelerator, _kernels, _matrices);

    internal override int KvElementBytes => _kvKernels.ElementBytes;

    internal override bool IsQueued => true;

    internal override long KvCacheBytesFor(long kvValuesPerToken, DeviceShare share) =>
        share.KvCacheBytes(kvValuesPerToken, _device.Memory);

    internal override Activations AllocateActivations(int rows, int width) =>
        new IlgpuActivations(_accelerator, rows, width);

    internal override Activations AllocateProductInput(int rows, int width) =>
        new IlgpuProductInput(_accelerator, rows, width);

    private DrawKernels DrawKernels => _drawKernels ??= new(_accelerator);

    internal override TokenDraws AllocateDraws(int rows, int vocabSize) =>
        new IlgpuDraws(_accelerator, DrawKernels, _queue, _words, _matrices, rows, vocabSize);

    internal override ListedLogits AllocateListed(int rows, int vocabSize, ReadOnlySpan<int> tokens) =>
        new IlgpuListedLogits(_accelerator, DrawKernels, _queue, rows, vocabSize, tokens);

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

    internal override RotaryMemory LoadRotary(RotaryTable table) =>
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
        _rows = _matrices.Rows = batch.RowCount;
        _extent = AttentionExtent.Of(batch, _words.Ranges, _rows <= MostRecordedRows);
    }

    internal override void Run(StepPart part, int firstRow, Action operations, int depth = 1, int head = 0)
    {
        // A recording may be repeated behind another one than now.
        _wide.ForgetParts();
        // Chunks of a prompt come in too many shapes, and are too long for their launches to count.
        if (_rows > MostRecordedRows)
        {
            operations();
            return;
        }

        var hasFilters = part is not (StepPart.Layers or StepPart.KeptSublayers) && _words.HasFilters;
        _queue.Run(
            new StepKey(
                part,
                _rows,
                firstRow,
                _extent.LongestContext,
                hasFilters,
                depth,
                head,
                _extent.RowsTogether,
                IsPrompt: _extent.Ranges.Count > 0
            ),
            operations
        );
    }

    internal override void BeginChain(IReadOnlyList<StepBatch> steps)
    {
        _chainWords.Begin(steps, _queue);
        _chain = steps;

        // One room for all that a recording holds: a chain's last step attends to a little more than its first.
        _extent = _extent.WithRoomFor(steps[^1].LongestContext, _rows <= MostRecordedRows);
    }

    internal override void UseRows(int chainStep)
    {
        _isChain = chainStep > 0;
        _matrices.Contexts = chainStep == 0 ? _words.Rows : _chainWords.Rows(chainStep);
        _matrices.Rows = chainStep == 0 ? _rows : _chain[chainStep - 1].RowCount;
    }

    internal override void StoreRows(Activations source, Activations target)
    {
        var from = (IlgpuActivations)source;
        _kernels.Store(
            _stream,
            new KernelConfig(_matrices.Rows, StoreKernel.GroupSize),
            _matrices.Contexts,
            from.View,
            ((IlgpuActivations)target).View,
            from.Stride
        );
    }

    internal override void JoinStored(WeightMatrix table, Activations stored, Activations joined, Activations cleared)
    {
        var features = (IlgpuActivations)stored;
        var source = new JoinSource
        {
            Tokens = _matrices.Contexts.Words,
            Features = features.View,
            Stride = features.Stride,
            AreParents = 1,
        };
        ((IlgpuMatrix)table).Join(source, Target(table, joined, cleared));
    }

    internal override void JoinDrafted(
        WeightMatrix table,
        TokenDraws? draws,
        Activations features,
        int firstRow,
        Activations joined,
        Activations cleared
    )
    {
        var from = (IlgpuActivations)features;
        var source = new JoinSource
        {
            Tokens = draws is IlgpuDraws drawn ? drawn.Tokens : _matrices.Contexts.Words,
            HasTokens = draws is null ? 0 : 1,
            Features = from.View,
            Stride = from.Stride,
            FirstRow = firstRow,
        };
        ((IlgpuMatrix)table).Join(source, Target(table, joined, cleared));
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
        _wide.ForgetParts();
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

    internal override void Embed(WeightMatrix table, Activations hidden, float factor = 1) =>
        ((IlgpuMatrix)table).Embed((IlgpuActivations)hidden, factor);

    internal override void RmsNorm(Activations x, int firstRow, int rows, Norm norm, NormedRows y) =>
        _matrices.Norm((IlgpuActivations)x, firstRow, rows, norm, (IlgpuNormedRows)y);

    internal override void MatMul(NormedRows x, WeightMatrix weight, Activations y, int rows) =>
        ((IlgpuMatrix)weight).Multiply((IlgpuNormedRows)x, (IlgpuActivations)y, rows);

    internal override void MatMulSwiGlu(
        NormedRows x,
        WeightMatrix gateUp,
        Activations scratch,
        Activations y,
        int rows
    ) => ((IlgpuMatrix)gateUp).MultiplyGated((IlgpuNormedRows)x, (IlgpuActivations)scratch, (IlgpuProductInput)y, rows);

    internal override void MatMulAdd(
        Activations x,
        WeightMatrix weight,
        Activations hidden,
        int rows,
        Norm? next = null,
        NormedRows? normed = null
    ) =>
        ((IlgpuMatrix)weight).AddTo(
            (IlgpuProductInput)x,
            (IlgpuActivations)hidden,
            rows,
            next,
            (IlgpuNormedRows?)normed
        );

    internal override void SwiGlu(Activations gateUp, Activations y, int rows) =>
        _matrices.SwiGlu((IlgpuActivations)gateUp, (IlgpuProductInput)y, rows);

    internal override void AddBias(Activations y, WeightVector bias, int rows) =>
        _kernels.QueueBias(_stream, (IlgpuActivations)y, (IlgpuVector)bias, rows);

    internal override void NormHeads(Activations qkv, AttentionShape shape, Norm query, Norm key, int rows) =>
        _kernels.QueueHeadNorms(_stream, (IlgpuActivations)qkv, HeadNorms.Of(shape, query, key), rows);

    internal override void AppendKv(Activations qkv, AttentionShape shape, RotaryMemory rotary, KvMemory kv) =>
        _kvKernels.Append(
            _stream,
            _matrices.Contexts,
            _matrices.Rows,
            (IlgpuActivations)qkv,
            shape,
            (IlgpuRotaryTable)rotary,
            kv
        );

    internal override void Attend(
        Activations qkv,
        AttentionShape shape,
        RotaryMemory rotary,
        KvMemory kv,
        Activations y
    )
    {
        var attended = (IlgpuProductInput)y;

        // Parts of four values are written together.
        var cores = shape.HeadSize % 4 == 0 ? _wide.PartsOfAttended(attended, _matrices.Rows) : _wide.NoParts;
        _kvKernels.Attend(
            _stream,
            _matrices.Contexts,
            _matrices.Rows,
            _isChain ? _extent with { Ranges = [] } : _extent,
            (IlgpuActivations)qkv,
            shape,
            (IlgpuRotaryTable)rotary,
            kv,
            new AttendedRows
            {
                Values = attended.View,
                Stride = attended.Stride,
                Cores = cores,
            }
        );
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _stream.Synchronize();
            _transfer.Dispose();
            _words.Dispose();
            _chainWords.Dispose();
            _loader?.Dispose();
            _kvKernels.Dispose();
            _wide.Dispose();
            _collected.Dispose();
            _queue.Dispose();
            _device.Dispose();
        }
    }

    private JoinTarget Target(WeightMatrix table, Activations joined, Activations cleared)
    {
        _wide.ForgetParts();
        var to = (IlgpuProductInput)joined;
        var zeros = (IlgpuActivations)cleared;
        return new JoinTarget
        {
            Joined = to.View,
            JoinedStride = to.Stride,
            Cleared = zeros.View,
            ClearedStride = zeros.Stride,
            Width = table.Columns,
        };
    }

    private void PointAtWords()
    {
        _matrices.Step = new StepState { Current = _words.Current, Cancelled = _queue.Cancelled };
        _matrices.Contexts = _words.Rows;
        _isChain = false;
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
