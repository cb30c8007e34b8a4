using MessagePack;
using Ppsd.Actors.Ids;

namespace Ppsd.Actors.Messages;

/// <summary>Settings of a session that every stage needs.</summary>
[MessagePackObject]
public sealed record SessionSettings
{
    /// <summary>What drafts for it.</summary>
    [Key(0)]
    public required DraftSources Drafts { get; init; }

    /// <summary>How its tokens are drawn.</summary>
    [Key(1)]
    public required SamplingSettings Sampling { get; init; }

    /// <summary>Most candidates of a micro-batch; 1 is the paper's chain.</summary>
    [Key(2)]
    public required int MaxWidth { get; init; }

    /// <summary>Tokens each stage reserves KV memory for, candidates in flight included.</summary>
    [Key(3)]
    public required int ReservedLength { get; init; }

    /// <summary>Tokens of the prompt; the presence and frequency penalties look only at what follows them.</summary>
    [Key(4)]
    public required int PromptLength { get; init; }

    /// <summary>
    /// Number of the target's most probable tokens to return with each verdict; null for no log-probabilities.
    /// </summary>
    [Key(5)]
    public int? TopLogprobs { get; init; }

    /// <summary>Span of the request that the stage's span belongs to; null for none.</summary>
    [Key(6)]
    public string? TraceParent { get; init; }

    /// <summary>Most tokens a chain head drafts ahead of a candidate; 0 for <see cref="StageDescription.StandardDepth"/>.</summary>
    [Key(7)]
    public int ChainDepth { get; init; }
}

/// <summary>How tokens are drawn, from drafts and target alike: filters in this order, then keyed Gumbel noise.</summary>
[MessagePackObject]
public sealed record SamplingSettings
{
    /// <summary>Greedy: the most probable token.</summary>
    [IgnoreMember]
    public static SamplingSettings Greedy { get; } = new();

    /// <summary>Divides logits; 0 is greedy.</summary>
    [Key(0)]
    public float Temperature { get; init; }

    /// <summary>Keeps the k most probable tokens; 0 keeps all.</summary>
    [Key(1)]
    public int TopK { get; init; }

    /// <summary>Keeps the smallest set that reaches this probability; 1 keeps all.</summary>
    [Key(2)]
    public float TopP { get; init; } = 1f;

    /// <summary>Keeps tokens at least this probable relative to the best; 0 keeps all.</summary>
    [Key(3)]
    public float MinP { get; init; }

    /// <summary>Discourages tokens already in the sequence; 1 is off.</summary>
    [Key(4)]
    public float RepetitionPenalty { get; init; } = 1f;

    /// <summary>Subtracted from the logits of tokens generated before (OpenAI's definition); 0 is off.</summary>
    [Key(6)]
    public float PresencePenalty { get; init; }

    /// <summary>Subtracted from a token's logit for each time it was generated (OpenAI's definition); 0 is off.</summary>
    [Key(7)]
    public float FrequencyPenalty { get; init; }

    /// <summary>Added to the logits of single tokens, before everything else; each token at most once.</summary>
    [Key(8)]
    public TokenBias[] LogitBias { get; init; } = [];

    /// <summary>Key of the noise: same seed, same text.</summary>
    [Key(5)]
    public ulong Seed { get; init; }
}

/// <summary>What is added to the logit of one token.</summary>
/// <param name="Bias">The addend, -100 to 100.</param>
[MessagePackObject]
public readonly record struct TokenBias([property: Key(0)] TokenId Token, [property: Key(1)] float Bias);
