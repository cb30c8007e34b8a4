namespace Ppsd.Actors.Speculation;

/// <summary>What proposes tokens.</summary>
internal enum DraftSource
{
    /// <summary>A stage's exit head, a chain or not.</summary>
    ExitHead,

    /// <summary>The session's own text: what followed the same tokens before.</summary>
    NGram,

    /// <summary>Drafts of a rejected run, proposed again behind the token that the target chose instead.</summary>
    Echo,
}
