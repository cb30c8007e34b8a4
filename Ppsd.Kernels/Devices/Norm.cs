namespace Ppsd.Kernels.Devices;

/// <summary>An RMS norm on a device (Zhang and Sennrich 2019).</summary>
/// <param name="Weight">Scale per value; owned.</param>
/// <param name="Epsilon">Added to the mean square.</param>
internal sealed record Norm(WeightVector Weight, float Epsilon) : IDisposable
{
    public void Dispose() => Weight.Dispose();
}
