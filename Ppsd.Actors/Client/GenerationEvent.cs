using Ppsd.Actors.Ids;
using Ppsd.Actors.Messages;

namespace Ppsd.Actors.Client;

/// <summary>Something that happened to a generation.</summary>
public abstract record GenerationEvent;

/// <summary>The pipeline has admitted the session; comes before its tokens.</summary>
/// <param name="MaxTokens">Its token limit; lower than the one asked for where that was nobody's choice.</param>
/// <param name="Arithmetic">How the pipeline computes, see <see cref="PipelineArithmetic"/>.</param>
public sealed record GenerationStarted(int MaxTokens = 0, string Arithmetic = "") : GenerationEvent;

/// <summary>Verified tokens, in order; never taken back.</summary>
/// <param name="Tokens">At least one.</param>
/// <param name="Logprobs">The target's log-probabilities of each token; null when not requested.</param>
public sealed record TokensGenerated(IReadOnlyList<TokenId> Tokens, IReadOnlyList<TokenLogprobs>? Logprobs = null)
    : GenerationEvent;

/// <summary>Drafts now in flight after the tokens generated so far; replaces what was said before.</summary>
/// <param name="Tokens">The likeliest for each place, one behind the other; possibly none.</param>
public sealed record DraftsChanged(IReadOnlyList<TokenId> Tokens) : GenerationEvent
{
    /// <summary>For each of them the other drafts for its place, the likeliest first; empty where there are none at all.</summary>
    public IReadOnlyList<IReadOnlyList<TokenId>> Others { get; init; } = [];
}

/// <summary>The generation ended; the last event.</summary>
/// <param name="Reason">Why.</param>
/// <param name="Stats">Its figures.</param>
public sealed record GenerationEnded(FinishReason Reason, SessionStats Stats) : GenerationEvent;
