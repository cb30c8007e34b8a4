using Ppsd.Kernels.Devices.Cpu;
using Ppsd.Kernels.Distillation.Compute;

namespace Ppsd.Kernels.Distillation.Cpu;

/// <summary>Weights in the host's memory that products of training can read.</summary>
internal interface ICpuTrainingMatrix
{
    /// <summary>Packed for <see cref="TrainingDevice.Product"/>: outer values are the rows.</summary>
    PackedOperand ForProducts(TeamProduct products);

    /// <summary>Packed for <see cref="TrainingDevice.ProductInputGradient"/>: outer values are the columns.</summary>
    PackedOperand ForInputGradients(TeamProduct products);

    /// <summary>A row as fp32, padded to whole vectors.</summary>
    unsafe float* Row(int row);
}

/// <summary>Frozen weights, fp32, in the layouts their uses need.</summary>
internal sealed unsafe class CpuFrozenMatrix(
    int rows,
    int columns,
    CpuActivations? plain,
    PackedOperand? products,
    PackedOperand? inputGradients
) : TrainingMatrix(rows, columns), ICpuTrainingMatrix
{
    public PackedOperand ForProducts(TeamProduct team) => products ?? throw Unloaded(MatrixUses.Products);

    public PackedOperand ForInputGradients(TeamProduct team) =>
        inputGradients ?? throw Unloaded(MatrixUses.InputGradients);

    public float* Row(int row) => (plain ?? throw Unloaded(MatrixUses.Rows)).Row(row);

    public override void Dispose()
    {
        plain?.Dispose();
        products?.Dispose();
        inputGradients?.Dispose();
    }

    private static InvalidOperationException Unloaded(MatrixUses use) => new($"the matrix was not loaded for {use}");
}

/// <summary>Trained weights: four fp32 matrices, and packed copies that are made anew after each update.</summary>
internal sealed unsafe class CpuTrainedMatrix(int rows, int columns, MemoryTally tally)
    : TrainedMatrix(rows, columns),
        ICpuTrainingMatrix
{
    private readonly CpuActivations[] _parts =
    [
        new(rows, columns, tally),
        new(rows, columns, tally),
        new(rows, columns, tally),
        new(rows, columns, tally),
    ];
    private readonly PackedOperand _products = new(tally);
    private readonly PackedOperand _inputGradients = new(tally);
    private bool _productsAreCurrent;
    private bool _inputGradientsAreCurrent;

    /// <summary>A part's rows.</summary>
    public CpuActivations Part(TrainedPart part) => _parts[(int)part];

    /// <summary>The values have changed.</summary>
    public void Invalidate()
    {
        _productsAreCurrent = false;
        _inputGradientsAreCurrent = false;
    }

    public PackedOperand ForProducts(TeamProduct products)
    {
        if (!_productsAreCurrent)
        {
            products.Pack(new Operand(_parts[0].Row(0), _parts[0].Stride, 1), Rows, Columns, _products);
            _productsAreCurrent = true;
        }

        return _products;
    }

    public PackedOperand ForInputGradients(TeamProduct products)
    {
        if (!_inputGradientsAreCurrent)
        {
            products.Pack(new Operand(_parts[0].Row(0), 1, _parts[0].Stride), Columns, Rows, _inputGradients);
            _inputGradientsAreCurrent = true;
        }

        return _inputGradients;
    }

    public float* Row(int row) => _parts[0].Row(row);

    public override void Read(TrainedPart part, Span<float> target)
    {
        for (var row = 0; row < Rows; row++)
        {
            new ReadOnlySpan<float>(Part(part).Row(row), Columns).CopyTo(target[(row * Columns)..]);
        }
    }

    public override void Write(TrainedPart part, ReadOnlySpan<float> source)
    {
        for (var row = 0; row < Rows; row++)
        {
            source.Slice(row * Columns, Columns).CopyTo(new Span<float>(Part(part).Row(row), Columns));
        }

        Invalidate();
    }

    public override void Dispose()
    {
        Array.ForEach(_parts, part => part.Dispose());
        _products.Dispose();
        _inputGradients.Dispose();
    }
}

/// <summary>Integers in the host's memory.</summary>
internal sealed class CpuIndexBuffer : IndexBuffer
{
    private readonly MemoryTally _tally;

    public CpuIndexBuffer(int capacity, MemoryTally tally)
        : base(capacity)
    {
        _tally = tally;
        Values = new int[Math.Max(1, capacity)];
        tally.Add(sizeof(int) * (long)Values.Length);
    }

    public int[] Values { get; private set; }

    public override void Dispose()
    {
        _tally.Add(-sizeof(int) * (long)Values.Length);
        Values = [];
    }
}
