namespace Ppsd.Kernels.Distillation.Compute;

/// <summary>A list of 32-bit integers on a training device: tokens, positions or rows.</summary>
internal abstract class IndexBuffer(int capacity) : IDisposable
{
    /// <summary>Integers it can hold.</summary>
    public int Capacity { get; } = capacity;

    /// <inheritdoc />
    public abstract void Dispose();
}
