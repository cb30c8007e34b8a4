using ILGPU;
using ILGPU.Runtime;
using ILGPU.Runtime.Cuda;
using Ppsd.Kernels.Checkpoints.Tensors;
using Ppsd.Kernels.Devices;
using Ppsd.Kernels.Devices.Ilgpu.Buffers;
using Ppsd.Kernels.Devices.Ilgpu.Driver;
using Ppsd.Kernels.Distillation.Compute;
using Ppsd.Kernels.Distillation.Ilgpu.Kernels;
using Ppsd.Kernels.Weights;

namespace Ppsd.Kernels.Distillation.Ilgpu;

/// <summary>
/// Training on a CUDA card, or on ILGPU's simulator as a test oracle of the same kernels. Operations are queued on one
/// stream. Frozen weights are bf16 (others are rounded to it), activations and trained weights fp32.
/// </summary>
internal sealed partial class IlgpuTrainingDevice : TrainingDevice
{
    /// <summary>Values of a matrix that are on their way to the card at a time.</summary>
    private const int LoadValues = 1 << 24;

    /// <summary>Bytes of buffers whose size is always the same.</summary>
    public const long FixedBytes = sizeof(float) * (OptimizerKernels.MaxPartials + 1) + 2 * sizeof(int);

    private readonly IlgpuDevice _device;
    private readonly Accelerator _accelerator;
    private readonly AcceleratorStream _stream;
    private readonly TrainingProducts _products;
    private readonly TrainingKernels _kernels;
    private readonly AdditionLaunches _additions;
    private readonly LossLaunches _losses;
    private readonly MemoryBuffer1D<float, Stride1D.Dense> _partials;
    private readonly AllocationList _allocations;
    private MemoryBuffer1D<float, Stride1D.Dense>? _chunkSums;
    private Activations? _differences;
    private Activations? _own;
    private Activations? _ownGradient;

    /// <summary>Takes ownership of the device.</summary>
    /// <param name="passTokens">Tokens of a pass; by default as many as suit the model's width.</param>
    public IlgpuTrainingDevice(IlgpuDevice device, int? passTokens = null)
    {
        _device = device;
        _accelerator = device.Accelerator;
        _allocations = AllocationList.Of(_accelerator);
        _stream = _accelerator.CreateStream();
        _products = new TrainingProducts(_accelerator, _stream);
        _kernels = new TrainingKernels(_accelerator);
        _additions = new AdditionLaunches(_accelerator);
        _losses = new LossLaunches(_accelerator);
        _partials = _accelerator.AllocateElements<float>(OptimizerKernels.MaxPartials);
        Sizes = new IlgpuTrainingSizes(passTokens);
    }

    public override string Name => _device.Name;

    public override string Description => _device.Description;

    public override TrainingSizes Sizes { get; }

    public override long AllocatedBytes => _allocations.Bytes;

    public override void EnterThread() => (_accelerator as CudaAccelerator)?.Bind();

    public override void Wait() => _stream.Synchronize();

    public override Activations Allocate(int rows, int width) => new IlgpuActivations(_accelerator, rows, width);

    public override IndexBuffer AllocateIndices(int capacity) =>
        new IlgpuIndexBuffer(_accelerator.AllocateElements<int>(Math.Max(1, capacity)), capacity);

    public override TrainedMatrix AllocateTrained(int rows, int columns) =>
        new IlgpuTrainedMatrix(_accelerator, _stream, rows, columns);

    public override TrainingMatrix LoadFrozen(MatrixUses uses, params ReadOnlySpan<Weight> stacked)
    {
        var weights = stacked.ToArray();
        var rows = (int)weights.Sum(weight => weight.RowCount);
        var columns = (int)weights[0].RowLength;
        if (rows == 1)
        {
            var values = new float[columns];
            weights[0].ReadRow(0, values);
            return new IlgpuFrozenMatrix(1, columns) { Values = _accelerator.AllocateCopy(values) };
        }

        var matrix = new IlgpuFrozenMatrix(rows, columns)
        {
            Products = uses.HasFlag(MatrixUses.Products)
                ? new IlgpuTiledMatrix(_accelerator, rows, columns, Tiles.RowBlocks(rows))
                : null,
            InputGradients = uses.HasFlag(MatrixUses.InputGradients)
                ? new IlgpuTiledMatrix(_accelerator, columns, rows, Tiles.RowBlocks(columns))
                : null,
            Table = uses.HasFlag(MatrixUses.Rows) ? _accelerator.AllocateElements<ushort>((long)rows * columns) : null,
        };
        Fill(matrix, weights);
        return matrix;
    }

    public override IDisposable LoadRotary(Ppsd.Kernels.Devices.RotaryTable table) =>
        new DeviceRotary(
            _accelerator.AllocateCopy(table.Cosines),
            _accelerator.AllocateCopy(table.Sines),
            table.HalfSize
        );

    public override void Upload(ReadOnlySpan<float> source, Activations target, int rows)
    {
        var buffer = (IlgpuActivations)target;
        var host = new float[rows * buffer.Stride];
        for (var row = 0; row < rows; row++)
        {
            buffer.Put(source.Slice(row * buffer.Width, buffer.Width), row, host);
        }

        buffer.View.SubView(0, host.Length).CopyFromCPU(_stream, host);
    }

    public override void Upload(ReadOnlySpan<int> source, IndexBuffer target)
    {
        if (source.Length > 0)
        {
            Indices(target).SubView(0, source.Length).CopyFromCPU(_stream, source.ToArray());
        }
    }

    public override void Download(Activations source, int rows, Span<float> target)
    {
        var buffer = (IlgpuActivations)source;
        var host = new float[(long)rows * buffer.Stride];
        buffer.View.SubView(0, host.Length).CopyToCPU(_stream, host);
        for (var row = 0; row < rows; row++)
        {
            host.AsSpan(row * buffer.Stride, buffer.Width).CopyTo(target[(row * buffer.Width)..]);
        }
    }

    public override void Product(Activations x, TrainingMatrix weight, Activations y, int rows, bool adds)
    {
        var output = RowsView.Of(y);
        if (weight is IlgpuTrainedMatrix { KeepsTiles: false } trained)
        {
            _products.Queue(Operand(x, rows), trained.Operand, output.Values, output.Stride, adds);
            return;
        }

        _products.Queue(
            Operand(x, rows),
            ((IIlgpuTrainingMatrix)weight).ForProducts(_products),
            output.Values,
            output.Stride,
            adds
        );
    }

    public override void ProductInputGradient(
        Activations dy,
        TrainingMatrix weight,
        Activations dx,
        int rows,
        bool adds
    )
    {
        var output = RowsView.Of(dx);
        if (weight is IlgpuTrainedMatrix { KeepsTiles: false } trained)
        {
            _products.Queue(Operand(dy, rows), trained.TransposedOperand, output.Values, output.Stride, adds);
            return;
        }

        _products.Queue(
            Operand(dy, rows),
            ((IIlgpuTrainingMatrix)weight).ForInputGradients(_products),
            output.Values,
            output.Stride,
            adds
        );
    }

    public override void ProductWeightGradient(Activations dy, Activations x, TrainedMatrix weight, int rows) =>
        _products.Queue(
            Transposed(dy, rows),
            Transposed(x, rows),
            ((IlgpuTrainedMatrix)weight).View(TrainedPart.Gradient),
            weight.Columns,
            adds: true
        );

    protected override void Dispose(bool disposing)
    {
        if (!disposing)
        {
            return;
        }

        _stream.Synchronize();
        _products.Dispose();
        _partials.Dispose();
        _chunkSums?.Dispose();
        _differences?.Dispose();
        _own?.Dispose();
        _ownGradient?.Dispose();
        _stream.Dispose();
        _device.Dispose();
    }

    private static OperandView Operand(Activations rows, int count)
    {
        var view = RowsView.Of(rows);
        return new OperandView
        {
            Values = view.Values,
            Count = count,
            Depth = view.Width,
            OuterStride = view.Stride,
            DepthStride = 1,
        };
    }

    private static OperandView Transposed(Activations rows, int count)
    {
        var view = RowsView.Of(rows);
        return new OperandView
        {
            Values = view.Values,
            Count = view.Width,
            Depth = count,
            OuterStride = 1,
            DepthStride = view.Stride,
        };
    }

    private static ArrayView<int> Indices(IndexBuffer buffer) => ((IlgpuIndexBuffer)buffer).View;

    /// <summary>
    /// Rows go to the card some at a time and are packed there. Tiles of the transpose take all rows at once, which only
    /// the LM head needs.
    /// </summary>
    private void Fill(IlgpuFrozenMatrix matrix, Weight[] weights)
    {
        var (rows, columns) = (matrix.Rows, matrix.Columns);
        var step = RowsAtOnce(matrix.InputGradients is null ? 0 : MatrixUses.InputGradients, rows, columns);
        using var staging = _accelerator.AllocateElements<float>((long)Math.Min(step, rows) * columns);
        for (var first = 0; first < rows; first += step)
        {
            var count = Math.Min(step, rows - first);
            var host = ReadRows(weights, first, count, columns);
            staging.View.BaseView.SubView(0, host.Length).CopyFromCPU(_stream, host);
            var source = new OperandView
            {
                Values = staging.View.BaseView,
                Count = count,
                Depth = columns,
                OuterStride = columns,
                DepthStride = 1,
            };
            if (matrix.Products is { } products)
            {
                _products.PackTiles(source, products, first / 16, Tiles.RowBlocks(count));
            }

            if (matrix.InputGradients is { } inputGradients)
            {
                _products.PackTiles(
                    source with
                    {
                        Count = columns,
                        Depth = rows,
                        OuterStride = 1,
                        DepthStride = columns,
                    },
                    inputGradients
                );
            }

            matrix
                .Table?.View.BaseView.SubView((long)first * columns, host.Length)
                .CopyFromCPU(_stream, Array.ConvertAll(host, BFloat16.Round));
            _stream.Synchronize();
        }
    }

    /// <summary>Rows of frozen weights that are on their way to the card at a time.</summary>
    public static int RowsAtOnce(MatrixUses uses, int rows, int columns) =>
        uses.HasFlag(MatrixUses.InputGradients) ? rows : Math.Max(16, LoadValues / columns / 16 * 16);

    private static float[] ReadRows(Weight[] weights, int first, int count, int columns)
    {
        var host = new float[count * columns];
        Parallel.For(
            0,
            count,
            i =>
            {
                long row = first + i;
                var weight = 0;
                while (row >= weights[weight].RowCount)
                {
                    row -= weights[weight++].RowCount;
                }

                weights[weight].ReadRow(row, host.AsSpan(i * columns, columns));
            }
        );
        return host;
    }

    private sealed class DeviceRotary(
        MemoryBuffer1D<float, Stride1D.Dense> cosines,
        MemoryBuffer1D<float, Stride1D.Dense> sines,
        int halfSize
    ) : IDisposable
    {
        public ArrayView<float> Cosines => cosines.View.BaseView;

        public ArrayView<float> Sines => sines.View.BaseView;

        public int HalfSize { get; } = halfSize;

        public void Dispose()
        {
            cosines.Dispose();
            sines.Dispose();
        }
    }
}
