namespace Ppsd.Kernels.Measurement;

/// <summary>Time of one whole step of a model.</summary>
/// <param name="Context">Tokens each row attends to.</param>
/// <param name="Width">Rows of the step.</param>
/// <param name="DeviceMs">Median time of the device; 0 where it is the host.</param>
/// <param name="WallMs">Median time of the caller, from the first call of the step to the token.</param>
/// <param name="ByteCount">Fewest bytes the step must move: weights, keys and values.</param>
/// <param name="AllocatedBytes">Managed memory a step allocates.</param>
public sealed record StepTiming(
    int Context,
    int Width,
    double DeviceMs,
    double WallMs,
    long ByteCount,
    long AllocatedBytes
)
{
    /// <summary>Bytes over device time, or over the caller's where there is none.</summary>
    public double GigabytesPerSecond => ByteCount / (DeviceMs > 0 ? DeviceMs : WallMs) / 1e6;
}
