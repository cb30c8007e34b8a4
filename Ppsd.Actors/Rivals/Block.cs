using Ppsd.Actors.Ids;

namespace Ppsd.Actors.Rivals;

/// <summary>A verified block.</summary>
/// <param name="Drafted">Drafts that were made.</param>
/// <param name="Accepted">Drafts that were the target's tokens, up to the first that was not.</param>
/// <param name="Tokens">The target's tokens: the accepted drafts and the one behind them.</param>
/// <param name="DraftMs">Milliseconds until the last draft was made.</param>
internal sealed record Block(int Drafted, int Accepted, IReadOnlyList<TokenId> Tokens, double DraftMs)
{
    /// <summary>Compares drafts with the target's tokens.</summary>
    /// <param name="rows">The block's rows: a verified token and drafts behind it.</param>
    /// <param name="verdicts">The target's token behind each row.</param>
    /// <param name="draftMs">Milliseconds until the last draft was made.</param>
    /// <exception cref="InvalidOperationException">The target's logits are not finite.</exception>
    public static Block Judge(BlockRows rows, TokenId[] verdicts, double draftMs)
    {
        var accepted = 0;
        while (accepted + 1 < rows.Count && rows.Tokens[accepted + 1] == verdicts[accepted])
        {
            accepted++;
        }

        if (verdicts[accepted] == TokenId.None)
        {
            throw new InvalidOperationException("the target's logits are not finite: nothing can be drawn from them");
        }

        return new Block(rows.Count - 1, accepted, verdicts[..(accepted + 1)], draftMs);
    }
}
