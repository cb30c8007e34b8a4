namespace Ppsd.Host.Bench.Link;

/// <summary>A link's latency and throughput at one message size.</summary>
/// <param name="PayloadBytes">Bytes of hidden states in each.</param>
/// <param name="HopsMs">Milliseconds one way, half a round trip each, one message at a time.</param>
/// <param name="MessagesPerSecond">With as many messages in flight as a hop may have.</param>
internal sealed record LinkTiming(int PayloadBytes, IReadOnlyList<double> HopsMs, double MessagesPerSecond)
{
    /// <summary>Median milliseconds one way.</summary>
    public double HopMs => Statistics.Median(HopsMs);

    /// <summary>Bytes of hidden states per second.</summary>
    public double BytesPerSecond => PayloadBytes * MessagesPerSecond;
}
