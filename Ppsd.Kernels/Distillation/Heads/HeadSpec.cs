namespace Ppsd.Kernels.Distillation.Heads;

/// <summary>Kinds of heads that can be trained.</summary>
public enum TrainedHeadKind
{
    /// <summary>An RMS norm.</summary>
    Norm,

    /// <summary>A gated feed-forward block with a residual, then an RMS norm.</summary>
    Mlp,

    /// <summary>LLaMA layers, then an RMS norm.</summary>
    Transformer,

    /// <summary>A transformer head that goes on drafting from its own state by a second layer.</summary>
    Chain,
}

/// <summary>A head to train.</summary>
/// <param name="ExitLayer">Layers of the model before it.</param>
/// <param name="LayerCount">Layers of a transformer head.</param>
/// <param name="Depth">Drafting steps of a chain head, from 2; 1 for other kinds.</param>
public sealed record HeadSpec(TrainedHeadKind Kind, int ExitLayer, int LayerCount = 1, int Depth = 1)
{
    /// <summary>The kind as config.json and the command line spell it.</summary>
    public string KindName => Kind.ToString().ToLowerInvariant();

    /// <summary>Names the head among others of a run: <c>exit4-transformer</c>.</summary>
    public string Name => $"exit{ExitLayer}-{KindName}";
}
