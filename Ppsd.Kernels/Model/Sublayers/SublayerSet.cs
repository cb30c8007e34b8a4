namespace Ppsd.Kernels.Model.Sublayers;

/// <summary>
/// Sublayers of a stage that a cheaper pass runs: the attention and the feed-forward block of each layer, apart. What it
/// skips adds nothing to the residual stream.
/// </summary>
public sealed class SublayerSet
{
    private static int _count;

    /// <summary>Creates a set.</summary>
    /// <param name="attention">True for each layer whose attention runs.</param>
    /// <param name="feedForward">True for each layer whose feed-forward block runs.</param>
    public SublayerSet(IReadOnlyList<bool> attention, IReadOnlyList<bool> feedForward)
    {
        Attention = attention;
        FeedForward = feedForward;
        Number = Interlocked.Increment(ref _count);
    }

    /// <summary>True for each layer whose attention runs.</summary>
    public IReadOnlyList<bool> Attention { get; }

    /// <summary>True for each layer whose feed-forward block runs.</summary>
    public IReadOnlyList<bool> FeedForward { get; }

    /// <summary>Tells recordings of different sets apart.</summary>
    internal int Number { get; }
}
