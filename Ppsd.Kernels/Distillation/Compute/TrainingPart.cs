namespace Ppsd.Kernels.Distillation.Compute;

/// <summary>What a step's operations are for.</summary>
internal enum TrainingPart
{
    /// <summary>Something else: loading, or measuring heads.</summary>
    None,

    /// <summary>The model, forward.</summary>
    Teacher,

    /// <summary>Heads, forward.</summary>
    Heads,

    /// <summary>Logits of model and heads, losses, and their gradient back through the LM head.</summary>
    Losses,

    /// <summary>Gradients of heads.</summary>
    Backward,

    /// <summary>Clipping and AdamW.</summary>
    Optimiser,
}
