using Ppsd.Actors.Messages;

namespace Ppsd.Host.Generation;

/// <summary>How texts are generated.</summary>
internal sealed record GenerationSettings
{
    /// <summary>What drafts; nothing for autoregressive decoding.</summary>
    public required DraftSources Drafts { get; init; }

    /// <summary>How tokens are drawn.</summary>
    public required SamplingSettings Sampling { get; init; }

    /// <summary>True when nobody chose the seed; the seed is then printed with the text.</summary>
    public bool IsSeedDrawn { get; init; }

    /// <summary>Most tokens to generate.</summary>
    public required int MaxTokens { get; init; }

    /// <summary>True where nobody asked for that many: the pipeline lowers it to what it holds.</summary>
    public bool MayShorten { get; init; }

    /// <summary>True to go on after end tokens, for measurements.</summary>
    public bool IgnoreEndTokens { get; init; }

    /// <summary>Most candidates of a micro-batch; 0 to choose by what rows cost and what sources propose.</summary>
    public int MaxWidth { get; init; }

    /// <summary>Most tokens a chain head drafts ahead of a candidate; 0 for as many as it can.</summary>
    public int ChainDepth { get; init; }

    /// <summary>Strings that end the text; they are not part of it.</summary>
    public IReadOnlyList<string> StopStrings { get; init; } = [];

    /// <summary>0 to 20: log-probabilities of each token and of as many alternatives; null for none.</summary>
    public int? TopLogprobs { get; init; }

    /// <summary>Span of the request that stages' spans belong to; null for none.</summary>
    public string? TraceParent { get; init; }

    /// <summary>False to end the text with an error when its pipeline dies.</summary>
    public bool Resumes { get; init; } = true;

    /// <summary>Where the text was when another process lost it; null for one that begins.</summary>
    public ResumePoint? From { get; init; }

    /// <summary>True to be told of drafts.</summary>
    public bool ShowDrafts { get; init; }
}
