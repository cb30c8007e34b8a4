namespace Ppsd.Kernels.Measurement;

/// <summary>Time of one operation, measured among its like on data that no cache holds.</summary>
/// <param name="Operation">What was done: <c>gate/up + SwiGLU</c>.</param>
/// <param name="Shape">On what: <c>22016 x 4096</c>, <c>context 512</c>.</param>
/// <param name="Width">Rows at once.</param>
/// <param name="Microseconds">Median time of one.</param>
/// <param name="ByteCount">Fewest bytes it must move.</param>
public sealed record KernelTiming(string Operation, string Shape, int Width, double Microseconds, long ByteCount)
{
    /// <summary>Bytes over time.</summary>
    public double GigabytesPerSecond => ByteCount / Microseconds / 1e3;
}
