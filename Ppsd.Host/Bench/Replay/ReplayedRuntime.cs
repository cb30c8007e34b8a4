using Ppsd.Actors.Ids;
using Ppsd.Actors.Messages;
using Ppsd.Actors.Stages;

namespace Ppsd.Host.Bench.Replay;

/// <summary>
/// A stage whose exit head computes as always, but whose drafts are those of a recorded text where the position is to be
/// right, and wrong ones elsewhere. Verdicts are the model's own, so the text cannot change. Takes ownership of the stage.
/// </summary>
/// <param name="inner">The stage.</param>
/// <param name="texts">The recorded texts.</param>
internal sealed class ReplayedRuntime(IStageRuntime inner, ReplayedTexts texts) : IStageRuntime
{
    private readonly Dictionary<SessionId, Follower> _followers = [];
    private readonly List<(Follower Follower, CandidateId Candidate)> _rows = [];

    public StageDescription Description => inner.Description;

    public bool RunsOnDevice => inner.RunsOnDevice;

    public int FreePages => inner.FreePages;

    public RuntimeFigures Figures => inner.Figures;

    public bool TryRecover() => inner.TryRecover();

    public void Open(SessionId session, SessionSettings settings)
    {
        inner.Open(session, settings);
        _followers.Add(session, new Follower(settings.PromptLength, texts));
    }

    public bool Commit(SessionId session, VerifiedPath path) => inner.Commit(session, path);

    public bool Rollback(SessionId session, VerifiedPath path) => inner.Rollback(session, path);

    public void Release(SessionId session)
    {
        _followers.Remove(session);
        inner.Release(session);
    }

    public void BeginStep()
    {
        _rows.Clear();
        inner.BeginStep();
    }

    public bool TryAppend(BatchPart part)
    {
        if (!inner.TryAppend(part))
        {
            return false;
        }

        var follower = _followers[part.Session];
        for (var i = 0; i < part.Count; i++)
        {
            follower.Append(part.Candidates[i], part.Parents[i], part.Tokens[i].Value);
            _rows.Add((follower, part.Candidates[i]));
        }

        return true;
    }

    public bool Forward(ReadOnlyMemory<byte> hidden, Func<bool> isCancelled, DraftRequest? drafts, Action? onQueued) =>
        inner.Forward(hidden, isCancelled, drafts, onQueued);

    public void ReadHidden(Span<byte> target) => inner.ReadHidden(target);

    public void RunExitHead(DraftRequest request) => inner.RunExitHead(request);

    public void Draft(int row, CandidateId origin, int width, List<DraftedToken> drafts)
    {
        var first = drafts.Count;
        inner.Draft(row, origin, width, drafts);
        var (follower, candidate) = _rows[row];
        Replay(follower, candidate, width, drafts, first);
    }

    public void DraftBehind(
        SessionId session,
        CandidateId parent,
        TokenId token,
        int depth,
        int width,
        List<DraftedToken> drafts
    )
    {
        var first = drafts.Count;
        inner.DraftBehind(session, parent, token, depth, width, drafts);
        Replay(_followers[session], parent, width, drafts, first);
    }

    public TokenId[] Verify(int firstRow) => inner.Verify(firstRow);

    public TokenLogprobs Logprobs(int row, TokenId token, int topCount) => inner.Logprobs(row, token, topCount);

    public void Dispose() => inner.Dispose();

    private void Replay(Follower follower, CandidateId candidate, int width, List<DraftedToken> drafts, int first)
    {
        var rank = 0;
        for (var i = first; i < drafts.Count; i++)
        {
            rank = i > first && drafts[i].Step == drafts[i - 1].Step ? rank + 1 : 0;
            drafts[i] = drafts[i] with
            {
                Token = new TokenId(follower.Draft(candidate, drafts[i].Step, rank, Description.VocabSize)),
                LogProbability = (float)
                    Math.Log(
                        rank == 0 ? Math.Max(texts.Acceptance, 0.01) : Math.Max(1 - texts.Acceptance, 0.01) / width
                    ),
            };
        }
    }

    /// <summary>Knows which of a session's candidates lie on its recorded text.</summary>
    private sealed class Follower(int promptLength, ReplayedTexts texts)
    {
        private readonly List<int> _prompt = [];
        private readonly Dictionary<CandidateId, (int Position, bool IsOnText)> _candidates = [];
        private IReadOnlyList<int>? _text;
        private uint _key;

        public void Append(CandidateId id, CandidateId parent, int token)
        {
            var (before, isOnText) = parent == CandidateId.Root ? (-1, true) : _candidates[parent];
            var position = before + 1;
            if (position == _prompt.Count && position < promptLength)
            {
                _prompt.Add(token);
                if (_prompt.Count == promptLength)
                {
                    (_text, _key) = (texts.Find(_prompt), ReplayedTexts.KeyOfText(_prompt));
                }
            }

            _candidates[id] = (position, isOnText && (position < promptLength || TokenAt(position) == token));
        }

        /// <summary>A token of a step behind a candidate; rank 0 is the one the chain goes on from.</summary>
        public int Draft(CandidateId origin, int step, int rank, int vocabSize)
        {
            var (at, isOnText) = _candidates[origin];
            var position = at + 1 + step;
            var right = isOnText ? TokenAt(position) : null;
            var isRight = rank == 0 && texts.IsRight(_key, position);
            return right is { } token && isRight ? token : ((right ?? position) + 1 + rank) % vocabSize;
        }

        private int? TokenAt(int position) => position < _text?.Count ? _text[position] : null;
    }
}
