namespace Ppsd.Kernels.Checkpoints.Configuration;

/// <summary>What an exit head computes between the exit layer and the shared LM head.</summary>
public enum ExitHeadKind
{
    /// <summary>An RMS norm.</summary>
    Norm,

    /// <summary>A gated feed-forward block with a residual, then an RMS norm.</summary>
    Mlp,

    /// <summary>One or more LLaMA layers with their own KV cache, then an RMS norm.</summary>
    Transformer,

    /// <summary>
    /// A transformer head that drafts on from its own state: a second layer takes the place of the model's first ones for the
    /// tokens drafted.
    /// </summary>
    Chain,
}
