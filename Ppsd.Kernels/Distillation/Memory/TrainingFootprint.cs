namespace Ppsd.Kernels.Distillation.Memory;

/// <summary>Bytes that a stage of training takes of its device; <see cref="StageMemory"/> works them out.</summary>
/// <param name="Model">Frozen weights: the stage's layers, and embedding and LM head where it needs them.</param>
/// <param name="Heads">Trained weights, their gradients and AdamW's moments, and the copies that products read.</param>
/// <param name="Activations">States of a pass: the model's, and what gradients of heads will read.</param>
/// <param name="Logits">Blocks of logits, and what goes into and comes out of them.</param>
/// <param name="Work">What operations are computed in.</param>
/// <param name="Loading">What loading weights takes beside the model; before the rest is allocated.</param>
internal readonly record struct TrainingFootprint(
    long Model,
    long Heads,
    long Activations,
    long Logits,
    long Work,
    long Loading
)
{
    /// <summary>The most it takes at any time.</summary>
    public long Total => Model + Math.Max(Loading, Heads + Activations + Logits + Work);

    /// <summary>What two stages take of a device that they share: one loads after the other, so one loading counts.</summary>
    public static TrainingFootprint operator +(TrainingFootprint a, TrainingFootprint b) =>
        new(
            a.Model + b.Model,
            a.Heads + b.Heads,
            a.Activations + b.Activations,
            a.Logits + b.Logits,
            a.Work + b.Work,
            Math.Max(a.Loading, b.Loading)
        );
}
