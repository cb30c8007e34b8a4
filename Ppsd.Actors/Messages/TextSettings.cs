using MessagePack;

namespace Ppsd.Actors.Messages;

/// <summary>Settings of a text's generation. Null values are taken from the model's defaults.</summary>
[MessagePackObject]
public sealed record TextSettings
{
    /// <summary>Name of the model it is meant for; null for whichever is served.</summary>
    [Key(0)]
    public string? Model { get; init; }

    /// <summary>Most tokens to generate; null for as many as the context holds.</summary>
    [Key(1)]
    public int? MaxTokens { get; init; }

    /// <summary>Divides logits; 0 is greedy.</summary>
    [Key(2)]
    public float? Temperature { get; init; }

    /// <summary>Keeps the k most probable tokens; 0 keeps all.</summary>
    [Key(3)]
    public int? TopK { get; init; }

    /// <summary>Keeps the smallest set that reaches this probability.</summary>
    [Key(4)]
    public float? TopP { get; init; }

    /// <summary>Keeps tokens at least this probable relative to the best.</summary>
    [Key(5)]
    public float? MinP { get; init; }

    /// <summary>Discourages tokens already in the sequence; 1 is off.</summary>
    [Key(6)]
    public float? RepetitionPenalty { get; init; }

    /// <summary>Subtracted from the logits of tokens generated before.</summary>
    [Key(7)]
    public float? PresencePenalty { get; init; }

    /// <summary>Subtracted from a token's logit for each time it was generated.</summary>
    [Key(8)]
    public float? FrequencyPenalty { get; init; }

    /// <summary>Key of the noise: same seed, same text; null for 0.</summary>
    [Key(9)]
    public ulong? Seed { get; init; }

    /// <summary>Strings that end the text; they are not part of it.</summary>
    [Key(10)]
    public string[] StopStrings { get; init; } = [];

    /// <summary>False to decode autoregressively; null speculates.</summary>
    [Key(11)]
    public bool? Speculates { get; init; }

    /// <summary>Most candidates of a micro-batch.</summary>
    [Key(12)]
    public int? MaxWidth { get; init; }

    /// <summary>True to go on after end tokens, for measurements.</summary>
    [Key(13)]
    public bool IgnoresEndTokens { get; init; }

    /// <summary>0 to 20: log-probabilities of the tokens, and of as many alternatives; null for none.</summary>
    [Key(14)]
    public int? TopLogprobs { get; init; }

    /// <summary>False to end the text with an error when its pipeline or its gateway dies.</summary>
    [Key(15)]
    public bool Resumes { get; init; } = true;

    /// <summary>What drafts, by the names of <c>--drafts</c>; null for what the node that takes the text drafts with.</summary>
    [Key(16)]
    public string? Drafts { get; init; }

    /// <summary>Most tokens that a chain head drafts ahead; null for the usual number.</summary>
    [Key(17)]
    public int? ChainDepth { get; init; }
}
