namespace Ppsd.Kernels.Devices;

/// <summary>
/// A buffer of fp32 activations in a device's memory, shape [<see cref="Capacity"/>, <see cref="Width"/>].
/// Belongs to the stage that allocated it; used by that stage's thread only.
/// </summary>
internal abstract class Activations(int capacity, int width) : IDisposable
{
    /// <summary>Rows the buffer can hold.</summary>
    public int Capacity { get; } = capacity;

    /// <summary>Values per row.</summary>
    public int Width { get; } = width;

    /// <inheritdoc />
    public abstract void Dispose();
}
