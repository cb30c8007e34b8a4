using Ppsd.Actors.Ids;

namespace Ppsd.Actors.Speculation.Blocks;

/// <summary>
/// Decides how a text is drafted block by block: at which exit, and how many tokens before they are verified. One instance
/// a text. It changes when drafts are made, never the text.
/// </summary>
internal interface IBlockPolicy
{
    /// <summary>Most drafts of a block.</summary>
    int MostDrafts { get; }

    /// <summary>The exit that the next block drafts at, from 0.</summary>
    int Exit => 0;

    /// <summary>True when <see cref="GoesOn"/> reads the confidence.</summary>
    bool ReadsConfidence => false;

    /// <summary>Whether another token is drafted.</summary>
    /// <param name="drafted">Drafts of the block so far.</param>
    /// <param name="confidence">Probability that the head gave the last of them; 1 before the first.</param>
    bool GoesOn(int drafted, double confidence);

    /// <summary>Records how a block ended.</summary>
    /// <param name="drafted">Its drafts.</param>
    /// <param name="accepted">Those that were the target's tokens, up to the first that was not.</param>
    void Note(int drafted, int accepted);
}

/// <summary>A policy that watches what the head of every exit says, not only of the one that drafts.</summary>
internal interface IShadowPolicy : IBlockPolicy
{
    /// <summary>Records a prompt's last positions.</summary>
    /// <param name="shadows">Tokens of each exit's head, [exits][positions].</param>
    /// <param name="target">The target's own.</param>
    void NotePrompt(ShadowToken[][] shadows, TokenId[] target);

    /// <summary>Records a block, before <see cref="IBlockPolicy.Note"/>.</summary>
    /// <param name="shadows">Tokens of each exit's head, [exits][positions].</param>
    /// <param name="target">The target's own; behind the first draft that it rejects they mean nothing.</param>
    void NoteShadows(ShadowToken[][] shadows, TokenId[] target);
}

/// <summary>What an exit's head would have drafted at a position.</summary>
/// <param name="Token">Its token.</param>
/// <param name="Confidence">The probability that it gives that token.</param>
internal readonly record struct ShadowToken(TokenId Token, double Confidence);
