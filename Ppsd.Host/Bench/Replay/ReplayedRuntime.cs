using Ppsd.Actors.Ids;
using Ppsd.Actors.Messages;
using Ppsd.Actors.Stages;

namespace Ppsd.Host.Bench.Replay;

/// <summary>
/// A stage whose exit head computes as always, but whose drafts are those of a recorded text where the position is to be
/// right, and wrong ones elsewhere. Verdicts are the model's own, so the text cannot change. Takes ownership of the stage.
/// </summary>
/// <param name="texts">The recorded texts.</param>
internal sealed class ReplayedRuntime(IStageRuntime inner, ReplayedTexts texts) : FollowedRuntime(inner, texts)
{
    private readonly ReplayedTexts _texts = texts;

    public override void Draft(int row, CandidateId origin, int width, List<DraftedToken> drafts)
    {
        var first = drafts.Count;
        base.Draft(row, origin, width, drafts);
        var (text, candidate) = RowAt(row);
        Replay(text, candidate, width, drafts, first);
    }

    public override void DraftBehind(
        SessionId session,
        CandidateId parent,
        TokenId token,
        int depth,
        int width,
        List<DraftedToken> drafts
    )
    {
        var first = drafts.Count;
        base.DraftBehind(session, parent, token, depth, width, drafts);
        Replay(TextOf(session), parent, width, drafts, first);
    }

    private void Replay(TextFollower text, CandidateId candidate, int width, List<DraftedToken> drafts, int first)
    {
        var rank = 0;
        for (var i = first; i < drafts.Count; i++)
        {
            rank = i > first && drafts[i].Step == drafts[i - 1].Step ? rank + 1 : 0;
            drafts[i] = drafts[i] with
            {
                Token = new TokenId(text.Draft(candidate, drafts[i].Step, rank, Description.VocabSize)),
                LogProbability = (float)
                    Math.Log(
                        rank == 0 ? Math.Max(_texts.Acceptance, 0.01) : Math.Max(1 - _texts.Acceptance, 0.01) / width
                    ),
            };
        }
    }
}
