namespace Ppsd.Kernels.Devices;

/// <summary>
/// A weight matrix in a device's memory and in the layout that device likes, shape [<see cref="Rows"/>,
/// <see cref="Columns"/>]: one row per output value, as checkpoints store it. Immutable after load.
/// </summary>
internal abstract class WeightMatrix(int rows, int columns) : IDisposable
{
    /// <summary>Output values.</summary>
    public int Rows { get; } = rows;

    /// <summary>Input values.</summary>
    public int Columns { get; } = columns;

    /// <summary>Bytes one read of the whole matrix moves.</summary>
    public abstract long ByteCount { get; }

    /// <inheritdoc />
    public abstract void Dispose();
}
