namespace Ppsd.Kernels.Devices;

/// <summary>Cosines and sines of the rotary embedding in a device's memory; see <see cref="RotaryTable"/>. Immutable after load.</summary>
/// <param name="length">Positions in the table: the longest sequence.</param>
internal abstract class RotaryMemory(int length) : IDisposable
{
    /// <summary>Positions in the table: the longest sequence.</summary>
    public int Length { get; } = length;

    /// <inheritdoc />
    public abstract void Dispose();
}
