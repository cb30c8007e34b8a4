using Ppsd.Actors.Ids;
using Ppsd.Actors.Messages;

namespace Ppsd.Host.Generation;

/// <summary>Something that happened to a text.</summary>
internal abstract record TextEvent;

/// <summary>The pipeline has admitted the session; comes first, and once.</summary>
/// <param name="Terms">What another pipeline that goes on with it must keep to; null when it is not known.</param>
internal sealed record TextStarted(TextTerms? Terms = null) : TextEvent;

/// <summary>Text that is certain; never taken back.</summary>
/// <param name="Text">
/// The text; empty when tokens were generated whose text is still held back, which is reported only where
/// log-probabilities were asked for.
/// </param>
/// <param name="Tokens">Tokens generated since the last such event; their text may come with a later one.</param>
/// <param name="Logprobs">The target's log-probabilities of each token; null when not requested.</param>
internal sealed record TextAdded(
    string Text,
    IReadOnlyList<TokenId> Tokens,
    IReadOnlyList<TokenLogprobs>? Logprobs = null
) : TextEvent;

/// <summary>Drafts in flight as text, the likeliest one behind the other; replaces what was said before.</summary>
/// <param name="Text">Possibly empty.</param>
/// <param name="Pieces">The same, cut at the tokens' borders; characters that a border cuts show as U+FFFD.</param>
/// <param name="Others">
/// For each piece the texts of other drafts for its place, the likeliest first; empty where there are none at all.
/// </param>
internal sealed record DraftTextChanged(
    string Text,
    IReadOnlyList<string> Pieces,
    IReadOnlyList<IReadOnlyList<string>> Others
) : TextEvent
{
    /// <summary>Null where there are no others.</summary>
    public IReadOnlyList<IReadOnlyList<string>>? OthersOrNull => Others.Count == 0 ? null : Others;

    /// <summary>The other drafts for the place of a piece.</summary>
    public IReadOnlyList<string> OthersAt(int piece) => piece < Others.Count ? Others[piece] : [];
}

/// <summary>The text is complete.</summary>
/// <param name="Result">The whole result.</param>
internal sealed record TextCompleted(TextResult Result) : TextEvent;

/// <summary>A finished generation.</summary>
/// <param name="PromptTokenIds">The prompt as the model saw it.</param>
/// <param name="TokenIds">Generated tokens, an end token included.</param>
/// <param name="Reason">Why it ended.</param>
/// <param name="Stats">Its figures.</param>
internal sealed record TextResult(
    IReadOnlyList<int> PromptTokenIds,
    IReadOnlyList<int> TokenIds,
    string Text,
    FinishReason Reason,
    SessionStats Stats
)
{
    /// <summary>The target's log-probabilities of each token; null when not requested.</summary>
    public IReadOnlyList<TokenLogprobs>? Logprobs { get; init; }
}
