using Ppsd.Kernels.Checkpoints.Configuration;

namespace Ppsd.Kernels.Devices;

/// <summary>
/// Heads of an attention block. A row of q/k/v is queries [headCount, headSize], then keys and values
/// [kvHeadCount, headSize] each.
/// </summary>
/// <param name="HeadCount">Query heads.</param>
/// <param name="KvHeadCount">Key/value heads; each serves <see cref="GroupSize"/> query heads.</param>
/// <param name="HeadSize">Values per head.</param>
internal readonly record struct AttentionShape(int HeadCount, int KvHeadCount, int HeadSize)
{
    /// <summary>Query heads that share one key/value head.</summary>
    public int GroupSize => HeadCount / KvHeadCount;

    /// <summary>Width of all queries of a row.</summary>
    public int QueryWidth => HeadCount * HeadSize;

    /// <summary>Width of all keys (or values) of a row.</summary>
    public int KvWidth => KvHeadCount * HeadSize;

    /// <summary>Width of a row of q/k/v.</summary>
    public int QkvWidth => QueryWidth + 2 * KvWidth;

    /// <summary>What attention's scores are divided by where it is not sqrt(<see cref="HeadSize"/>); 0 where it is.</summary>
    public double OwnScoreDivisor { get; init; }

    /// <summary>What attention's scores are divided by.</summary>
    public double ScoreDivisor => OwnScoreDivisor == 0 ? Math.Sqrt(HeadSize) : OwnScoreDivisor;

    /// <summary>Factor of the attention scores.</summary>
    public float Scale => (float)(1.0 / ScoreDivisor);

    /// <summary>The heads of a model's layers.</summary>
    public static AttentionShape Of(ModelConfig config) =>
        new(config.HeadCount, config.KvHeadCount, config.HeadSize)
        {
            OwnScoreDivisor = config.Layers.AttentionMultiplier is { } multiplier ? 1 / multiplier : 0,
        };
}
