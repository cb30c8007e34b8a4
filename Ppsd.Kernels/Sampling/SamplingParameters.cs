namespace Ppsd.Kernels.Sampling;

/// <summary>How a session's tokens are drawn; the same for its drafts and for its target.</summary>
public sealed record SamplingParameters
{
    /// <summary>
    /// Temperatures below this one count as 0, as in vLLM. Logits divided by less may overflow, and noise then decides
    /// nothing any more that fp32 logits could tell apart.
    /// </summary>
    public const float LeastTemperature = 1e-5f;

    /// <summary>Divides the logits; below <see cref="LeastTemperature"/> the most probable token is taken.</summary>
    public float Temperature { get; init; }

    /// <summary>True when the most probable token is taken.</summary>
    public bool IsGreedy => IsGreedyAt(Temperature);

    /// <summary>Keeps the k most probable tokens; 0 keeps all.</summary>
    public int TopK { get; init; }

    /// <summary>Keeps the smallest set of tokens whose probability reaches this; 1 keeps all.</summary>
    public float TopP { get; init; } = 1f;

    /// <summary>Keeps tokens at least this probable relative to the most probable; 0 keeps all.</summary>
    public float MinP { get; init; }

    /// <summary>
    /// Divides positive and multiplies negative logits of tokens already in the sequence (Keskar et al. 2019); 1 is off.
    /// </summary>
    public float RepetitionPenalty { get; init; } = 1f;

    /// <summary>Subtracted from the logits of tokens generated before; 0 is off.</summary>
    public float PresencePenalty { get; init; }

    /// <summary>Subtracted from a token's logit for each time it was generated; 0 is off.</summary>
    public float FrequencyPenalty { get; init; }

    /// <summary>Added to the logits of single tokens, before everything else; each token at most once.</summary>
    public IReadOnlyList<LogitBias> LogitBias { get; init; } = [];

    /// <summary>True when logits are changed before a token is drawn from them.</summary>
    public bool ChangesLogits => UsesHistory || LogitBias.Count > 0;

    /// <summary>True when a draw depends on the tokens before it.</summary>
    public bool UsesHistory => RepetitionPenalty != 1f || PresencePenalty != 0f || FrequencyPenalty != 0f;

    /// <summary>Key of the noise.</summary>
    public ulong Seed { get; init; }

    /// <summary>True for a temperature that counts as 0.</summary>
    public static bool IsGreedyAt(float temperature) => temperature < LeastTemperature;
}
