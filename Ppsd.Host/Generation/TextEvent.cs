using Ppsd.Actors.Messages;

namespace Ppsd.Host.Generation;

/// <summary>Something that happened to a text.</summary>
internal abstract record TextEvent;

/// <summary>Text that is certain; never taken back.</summary>
/// <param name="Text">The text.</param>
internal sealed record TextAdded(string Text) : TextEvent;

/// <summary>Drafts in flight as text; replaces what was said before.</summary>
/// <param name="Text">Possibly empty.</param>
internal sealed record DraftTextChanged(string Text) : TextEvent;

/// <summary>The text is complete.</summary>
/// <param name="Result">All of it.</param>
internal sealed record TextCompleted(TextResult Result) : TextEvent;

/// <summary>A finished generation.</summary>
/// <param name="PromptTokenIds">The prompt as the model saw it.</param>
/// <param name="TokenIds">Generated tokens, an end token included.</param>
/// <param name="Text">Their text.</param>
/// <param name="Reason">Why it ended.</param>
/// <param name="Stats">Its figures.</param>
internal sealed record TextResult(
    IReadOnlyList<int> PromptTokenIds,
    IReadOnlyList<int> TokenIds,
    string Text,
    FinishReason Reason,
    SessionStats Stats
);
