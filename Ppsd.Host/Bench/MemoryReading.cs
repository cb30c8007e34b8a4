namespace Ppsd.Host.Bench;

/// <summary>How fast memory can be read here, against what a token needs.</summary>
/// <param name="BytesPerSecond">Measured with <paramref name="Threads"/> threads.</param>
/// <param name="Threads">Threads that decode at the same time, which is those of one stage.</param>
/// <param name="BytesPerToken">Weights that an autoregressive token reads.</param>
internal sealed record MemoryReading(double BytesPerSecond, int Threads, long BytesPerToken)
{
    /// <summary>Share of the bandwidth that a speed uses.</summary>
    public double Share(double tokensPerSecond) => BytesPerToken * tokensPerSecond / BytesPerSecond;
}
