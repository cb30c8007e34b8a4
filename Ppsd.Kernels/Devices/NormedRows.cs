namespace Ppsd.Kernels.Devices;

/// <summary>
/// Rows after an RMS norm, as a device likes to hold them (a card defers half of the norm to the product that reads
/// them), shape [<see cref="Capacity"/>, <see cref="Width"/>]. Belongs to the stage that allocated it.
/// </summary>
internal abstract class NormedRows(int capacity, int width) : IDisposable
{
    /// <summary>Rows the buffer can hold.</summary>
    public int Capacity { get; } = capacity;

    /// <summary>Values per row.</summary>
    public int Width { get; } = width;

    /// <inheritdoc />
    public abstract void Dispose();
}
