using Ppsd.Actors.Ids;
using Ppsd.Actors.Stages;

namespace Ppsd.Host.Bench.Replay;

/// <summary>
/// A stage whose verdicts on rows of a given text are that text's tokens: drafts can be judged on texts that a small model
/// would not write. The target head computes as always. Takes ownership of the stage.
/// </summary>
/// <param name="texts">The given texts.</param>
internal sealed class GivenTextRuntime(IStageRuntime inner, ReplayedTexts texts) : FollowedRuntime(inner, texts)
{
    public override TokenId[] Verify(int firstRow)
    {
        var tokens = base.Verify(firstRow);
        for (var i = 0; i < tokens.Length; i++)
        {
            var (text, candidate) = RowAt(firstRow + i);
            if (text.TokenAfter(candidate) is { } given)
            {
                tokens[i] = new TokenId(given);
            }
        }

        return tokens;
    }
}
