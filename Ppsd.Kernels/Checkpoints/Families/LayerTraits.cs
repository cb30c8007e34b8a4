namespace Ppsd.Kernels.Checkpoints.Families;

/// <summary>How the layers of a model differ from those of a plain LLaMA.</summary>
public sealed record LayerTraits
{
    /// <summary>A plain LLaMA: no biases, no norms of heads, no window.</summary>
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
}
