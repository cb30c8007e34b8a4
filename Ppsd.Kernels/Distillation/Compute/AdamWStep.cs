namespace Ppsd.Kernels.Distillation.Compute;

/// <summary>Numbers of one AdamW update (Loshchilov and Hutter 2019), the same for all weights.</summary>
/// <param name="LearningRate">Step size.</param>
/// <param name="GradientScale">Multiplies every gradient first: below 1 where the gradient's norm was clipped.</param>
/// <param name="Step">Counted from 1; corrects the moments' bias.</param>
/// <param name="WeightDecay">Share of a weight that is taken off, times the learning rate.</param>
internal readonly record struct AdamWStep(float LearningRate, float GradientScale, int Step, float WeightDecay)
{
    /// <summary>Decay of the running mean of gradients.</summary>
    public const float Beta1 = 0.9f;

    /// <summary>Decay of the running mean of squared gradients.</summary>
    public const float Beta2 = 0.95f;

    /// <summary>Added to the root of the second moment.</summary>
    public const float Epsilon = 1e-8f;

    /// <summary>1 / (1 - Beta1^Step).</summary>
    public float FirstCorrection => (float)(1 / (1 - Math.Pow(Beta1, Step)));

    /// <summary>1 / (1 - Beta2^Step).</summary>
    public float SecondCorrection => (float)(1 / (1 - Math.Pow(Beta2, Step)));
}
