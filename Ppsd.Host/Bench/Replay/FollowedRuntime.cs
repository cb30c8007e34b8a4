using Ppsd.Actors.Ids;
using Ppsd.Actors.Messages;
using Ppsd.Actors.Stages;

namespace Ppsd.Host.Bench.Replay;

/// <summary>
/// A stage that knows which of its rows lie on a known text, so that a benchmark can put drafts or verdicts of that text in
/// place of the model's own; all else is the stage's. Takes ownership of it.
/// </summary>
internal abstract class FollowedRuntime(IStageRuntime inner, ReplayedTexts texts) : IStageRuntime
{
    private readonly Dictionary<SessionId, TextFollower> _followers = [];
    private readonly List<(TextFollower Follower, CandidateId Candidate)> _rows = [];

    public StageDescription Description => inner.Description;

    public bool RunsOnDevice => inner.RunsOnDevice;

    public int FreePages => inner.FreePages;

    public RuntimeFigures Figures => inner.Figures;

    public bool TryRecover() => inner.TryRecover();

    public void Open(SessionId session, SessionSettings settings)
    {
        inner.Open(session, settings);
        _followers.Add(session, new TextFollower(settings.PromptLength, texts));
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

    public virtual void Draft(int row, CandidateId origin, int width, List<DraftedToken> drafts) =>
        inner.Draft(row, origin, width, drafts);

    public virtual void DraftBehind(
        SessionId session,
        CandidateId parent,
        TokenId token,
        int depth,
        int width,
        List<DraftedToken> drafts
    ) => inner.DraftBehind(session, parent, token, depth, width, drafts);

    public virtual TokenId[] Verify(int firstRow) => inner.Verify(firstRow);

    public TokenLogprobs Logprobs(int row, TokenId token, int topCount) => inner.Logprobs(row, token, topCount);

    public void Dispose() => inner.Dispose();

    /// <summary>The text that a row's session follows, and the row's candidate.</summary>
    protected (TextFollower Text, CandidateId Candidate) RowAt(int row) => _rows[row];

    /// <summary>The text that a session follows.</summary>
    protected TextFollower TextOf(SessionId session) => _followers[session];
}
