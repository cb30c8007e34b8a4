namespace Ppsd.Kernels.Distillation.Compute;

/// <summary>
/// Weights on a training device, [<see cref="Rows"/>, <see cref="Columns"/>], one row per output value as checkpoints store
/// them; a vector is a single row. Frozen ones never change; those of a head are a <see cref="TrainedMatrix"/>.
/// </summary>
internal abstract class TrainingMatrix(int rows, int columns) : IDisposable
{
    /// <summary>Output values.</summary>
    public int Rows { get; } = rows;

    /// <summary>Input values.</summary>
    public int Columns { get; } = columns;

    /// <inheritdoc />
    public abstract void Dispose();
}

/// <summary>What a frozen matrix will be used for; a device keeps only the layouts that these need.</summary>
[Flags]
internal enum MatrixUses
{
    /// <summary><see cref="TrainingDevice.Product"/>.</summary>
    Products = 1,

    /// <summary><see cref="TrainingDevice.ProductInputGradient"/>.</summary>
    InputGradients = 2,

    /// <summary>Reading single rows: an embedding, or a norm's scale.</summary>
    Rows = 4,
}
