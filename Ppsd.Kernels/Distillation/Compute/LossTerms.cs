namespace Ppsd.Kernels.Distillation.Compute;

/// <summary>Training loss for each answer token.</summary>
internal enum DistillationLoss
{
    /// <summary>
    /// lambda KL(target || draft) + (1 - lambda) 2 TV(target, draft) + 0.3 CE(draft, target's most probable token), where
    /// lambda = exp(-3 overlap) and overlap = sum of min(target, draft), both taken as constants of the position. Far from the
    /// target KL leads; near it the total variation, which is what acceptance is made of.
    /// </summary>
    Hybrid,

    /// <summary>KL(target || draft) + CE(draft, the text's own token), as in the PPSD paper (arXiv 2509.19368).</summary>
    KlCrossEntropy,
}

/// <summary>Loss terms of one position; a batch's figures are their sums.</summary>
/// <param name="Loss">The loss in nats.</param>
/// <param name="Overlap">Sum over tokens of min(target, draft).</param>
/// <param name="Hits">1 when both have the same most probable token, else 0.</param>
/// <param name="Count">1 for a position that counts, else 0.</param>
internal readonly record struct LossSums(double Loss, double Overlap, double Hits, double Count)
{
    /// <summary>Adds two sums.</summary>
    public static LossSums operator +(LossSums a, LossSums b) =>
        new(a.Loss + b.Loss, a.Overlap + b.Overlap, a.Hits + b.Hits, a.Count + b.Count);

    /// <summary>Mean loss of a position.</summary>
    public double MeanLoss => Loss / Math.Max(1, Count);

    /// <summary>Share of positions at which the draft's most probable token is the target's.</summary>
    public double Acceptance => Hits / Math.Max(1, Count);

    /// <summary>Mean overlap.</summary>
    public double MeanOverlap => Overlap / Math.Max(1, Count);
}
