namespace Ppsd.Host.Api.Responses;

/// <summary>Log-probabilities as JSON can hold them. Pure.</summary>
internal static class Logprob
{
    /// <summary>What OpenAI sends for a token of no probability: JSON has no infinity.</summary>
    private const float Impossible = -9999f;

    /// <summary>The log-probability, or -9999 in place of minus infinity.</summary>
    public static float Finite(float logprob) => float.IsNegativeInfinity(logprob) ? Impossible : logprob;
}
