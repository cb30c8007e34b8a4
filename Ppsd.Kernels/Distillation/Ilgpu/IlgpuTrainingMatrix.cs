using ILGPU;
using ILGPU.Runtime;
using Ppsd.Kernels.Devices.Ilgpu.Buffers;
using Ppsd.Kernels.Devices.Ilgpu.Driver;
using Ppsd.Kernels.Distillation.Compute;
using Ppsd.Kernels.Distillation.Ilgpu.Kernels;

namespace Ppsd.Kernels.Distillation.Ilgpu;

/// <summary>Weights in device memory that products of training can read.</summary>
internal interface IIlgpuTrainingMatrix
{
    /// <summary>In tiles, outputs by inputs: for <see cref="TrainingDevice.Product"/>.</summary>
    IlgpuTiledMatrix ForProducts(TrainingProducts products);

    /// <summary>In tiles, inputs by outputs: for <see cref="TrainingDevice.ProductInputGradient"/>.</summary>
    IlgpuTiledMatrix ForInputGradients(TrainingProducts products);

    /// <summary>A vector's values.</summary>
    ArrayView<float> Vector { get; }
}

/// <summary>Frozen weights in bf16, in the layouts their uses need; a vector is fp32.</summary>
internal sealed class IlgpuFrozenMatrix(int rows, int columns) : TrainingMatrix(rows, columns), IIlgpuTrainingMatrix
{
    /// <summary>For products; null when it was not loaded for them.</summary>
    public IlgpuTiledMatrix? Products { get; init; }

    /// <summary>For input gradients; null when it was not loaded for them.</summary>
    public IlgpuTiledMatrix? InputGradients { get; init; }

    /// <summary>Rows in bf16, for an embedding.</summary>
    public MemoryBuffer1D<ushort, Stride1D.Dense>? Table { get; init; }

    /// <summary>The values of a vector.</summary>
    public MemoryBuffer1D<float, Stride1D.Dense>? Values { get; init; }

    public ArrayView<float> Vector => Values!.View.BaseView;

    public IlgpuTiledMatrix ForProducts(TrainingProducts products) => Products!;

    public IlgpuTiledMatrix ForInputGradients(TrainingProducts products) => InputGradients!;

    public override void Dispose()
    {
        Products?.Dispose();
        InputGradients?.Dispose();
        Table?.Dispose();
        Values?.Dispose();
    }
}

/// <summary>
/// Trained weights: four fp32 arrays. Small ones keep bf16 tiles, which are made anew after each update; the tiles of large ones
/// would take a quarter as much memory again and are made for each product.
/// </summary>
internal sealed class IlgpuTrainedMatrix : TrainedMatrix, IIlgpuTrainingMatrix
{
    /// <summary>Packing weights of this size for each product takes less than a hundredth of the product.</summary>
    private const int MostKeptInTiles = 1 << 24;

    private readonly Accelerator _accelerator;
    private readonly AcceleratorStream _stream;
    private readonly MemoryBuffer1D<float, Stride1D.Dense>[] _parts;
    private IlgpuTiledMatrix? _products;
    private IlgpuTiledMatrix? _inputGradients;
    private bool _productsAreCurrent;
    private bool _inputGradientsAreCurrent;

    public IlgpuTrainedMatrix(Accelerator accelerator, AcceleratorStream stream, int rows, int columns)
        : base(rows, columns)
    {
        _accelerator = accelerator;
        _stream = stream;
        _parts = [.. Enumerable.Range(0, 4).Select(_ => accelerator.AllocateElements<float>((long)rows * columns))];
        foreach (var part in _parts)
        {
            part.MemSetToZero(stream);
        }
    }

    /// <summary>Whether tiles are kept from one product to the next.</summary>
    public bool KeepsTiles => Keeps(Rows, Columns);

    /// <summary>Whether those of such a matrix are.</summary>
    public static bool Keeps(int rows, int columns) => (long)rows * columns < MostKeptInTiles;

    /// <summary>The values as a product reads them.</summary>
    public OperandView Operand => OperandOf(Rows, Columns, Columns, 1);

    /// <summary>Their transpose.</summary>
    public OperandView TransposedOperand => OperandOf(Columns, Rows, 1, Columns);

    public ArrayView<float> Vector => View(TrainedPart.Values);

    /// <summary>A part's values, row by row.</summary>
    public ArrayView<float> View(TrainedPart part) => _parts[(int)part].View.BaseView;

    /// <summary>The values have changed.</summary>
    public void Invalidate()
    {
        _productsAreCurrent = false;
        _inputGradientsAreCurrent = false;
    }

    public IlgpuTiledMatrix ForProducts(TrainingProducts products)
    {
        _products ??= new IlgpuTiledMatrix(_accelerator, Rows, Columns, Tiles.RowBlocks(Rows));
        if (!_productsAreCurrent)
        {
            products.PackTiles(Operand, _products);
            _productsAreCurrent = true;
        }

        return _products;
    }

    public IlgpuTiledMatrix ForInputGradients(TrainingProducts products)
    {
        _inputGradients ??= new IlgpuTiledMatrix(_accelerator, Columns, Rows, Tiles.RowBlocks(Columns));
        if (!_inputGradientsAreCurrent)
        {
            products.PackTiles(TransposedOperand, _inputGradients);
            _inputGradientsAreCurrent = true;
        }

        return _inputGradients;
    }

    public override void Read(TrainedPart part, Span<float> target)
    {
        var host = new float[Count];
        _parts[(int)part].View.BaseView.CopyToCPU(_stream, host);
        host.CopyTo(target);
    }

    public override void Write(TrainedPart part, ReadOnlySpan<float> source)
    {
        _parts[(int)part].View.BaseView.CopyFromCPU(_stream, source.ToArray());
        Invalidate();
    }

    public override void Dispose()
    {
        Array.ForEach(_parts, part => part.Dispose());
        _products?.Dispose();
        _inputGradients?.Dispose();
    }

    private OperandView OperandOf(int count, int depth, int outerStride, int depthStride) =>
        new()
        {
            Values = View(TrainedPart.Values),
            Count = count,
            Depth = depth,
            OuterStride = outerStride,
            DepthStride = depthStride,
        };
}

/// <summary>Integers in device memory.</summary>
internal sealed class IlgpuIndexBuffer(MemoryBuffer1D<int, Stride1D.Dense> buffer, int capacity) : IndexBuffer(capacity)
{
    /// <summary>The integers.</summary>
    public ArrayView<int> View => buffer.View.BaseView;

    public override void Dispose() => buffer.Dispose();
}
