namespace Ppsd.Kernels.Checkpoints.Families;

/// <summary>How a model of a family differs from a plain LLaMA.</summary>
public sealed record LayerTraits
{
    /// <summary>A plain LLaMA: no biases, no norms of heads, no window, nothing multiplied.</summary>
    public static readonly LayerTraits Plain = new();

    /// <summary>Whether query, key and value projections have biases.</summary>
    public bool HasQueryKeyValueBias { get; init; }

    /// <summary>Whether attention's output projection has a bias.</summary>
    public bool HasOutputBias { get; init; }

    /// <summary>Whether gate, up and down projections have biases.</summary>
    public bool HasFeedForwardBias { get; init; }

    /// <summary>Whether every query and key head has an RMS norm before it is rotated.</summary>
    public bool HasHeadNorms { get; init; }

    /// <summary>
    /// Tokens that a token attends to, itself included; null when it attends to all before it. All layers have the same.
    /// </summary>
    public int? SlidingWindow { get; init; }

    /// <summary>
    /// Whether query, key and value projections are one tensor, in this order, and gate and up another. An exit head's layers
    /// have tensors of their own for each.
    /// </summary>
    public bool HasFusedProjections { get; init; }

    /// <summary>Layers, counted from 0, whose queries and keys are not rotated: they do not see how far tokens are apart.</summary>
    public IReadOnlyList<int> UnrotatedLayers { get; init; } = [];

    /// <summary>Factor of attention's scores; null for 1 / sqrt(head size).</summary>
    public double? AttentionMultiplier { get; init; }

    /// <summary>Factor of a token's embedding.</summary>
    public double EmbeddingMultiplier { get; init; } = 1;

    /// <summary>
    /// Factor of what every block adds to the residual stream. Hidden states are kept divided by it, so that blocks add what
    /// they compute: only norms, which divide it away, and the embedding have to know.
    /// </summary>
    public double ResidualMultiplier { get; init; } = 1;

    /// <summary>What logits are divided by.</summary>
    public double LogitsDivisor { get; init; } = 1;
}
