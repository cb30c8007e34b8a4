namespace Ppsd.Kernels.Sampling;

/// <summary>A token and its share of a distribution.</summary>
/// <param name="Token">Token id.</param>
/// <param name="LogProbability">Natural logarithm of its probability.</param>
public readonly record struct TokenLogProbability(int Token, float LogProbability);
