namespace Ppsd.Kernels.Devices;

/// <summary>A weight vector (the scale of a norm) in a device's memory, fp32. Immutable after load.</summary>
internal abstract class WeightVector(int length) : IDisposable
{
    /// <summary>Values in the vector.</summary>
    public int Length { get; } = length;

    /// <inheritdoc />
    public abstract void Dispose();
}
