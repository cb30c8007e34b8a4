using System.Numerics.Tensors;

namespace Ppsd.Kernels.Sampling;

/// <summary>
/// Log-probabilities by the model itself: log-softmax of the raw logits, before penalties, temperature and filters, as
/// OpenAI and vLLM report them. A pure function of the logits. Holds scratch only; one instance per stage thread.
/// </summary>
public sealed class LogProbabilities
{
    private readonly float[] _scores;

    /// <summary>Creates it for logits of <paramref name="vocabSize"/> values.</summary>
    public LogProbabilities(int vocabSize) => _scores = new float[vocabSize];

    /// <summary>The chosen token's log-probability and the most probable tokens.</summary>
    /// <param name="logits">One value per token of the vocabulary.</param>
    /// <param name="token">The chosen token.</param>
    /// <param name="top">Receives the most probable tokens, best first, ties to the lowest id; at most the vocabulary.</param>
    /// <returns>The log-probability of <paramref name="token"/>.</returns>
    public float Read(ReadOnlySpan<float> logits, int token, Span<TokenLogProbability> top)
    {
        var logTotal = VectorMath.LogSumExp(logits);
        if (top.Length > 0)
        {
            logits.CopyTo(_scores);
            for (var i = 0; i < top.Length; i++)
            {
                var best = TensorPrimitives.IndexOfMax<float>(_scores);
                top[i] = new TokenLogProbability(best, _scores[best] - logTotal);
                _scores[best] = float.NegativeInfinity;
            }
        }

        return logits[token] - logTotal;
    }
}
