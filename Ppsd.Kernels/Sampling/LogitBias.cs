namespace Ppsd.Kernels.Sampling;

/// <summary>What is added to the logit of one token.</summary>
/// <param name="Token">The token's id, within the vocabulary.</param>
public readonly record struct LogitBias(int Token, float Bias);
