namespace Ppsd.Kernels.Sampling;

/// <summary>A token an exit head proposes.</summary>
/// <param name="Token">Token id.</param>
/// <param name="LogProbability">Its log share of exp(logit + noise): how sure the head is, noise included.</param>
public readonly record struct DraftToken(int Token, float LogProbability);
