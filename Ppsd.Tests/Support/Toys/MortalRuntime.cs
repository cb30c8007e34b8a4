using Ppsd.Actors.Ids;
using Ppsd.Actors.Messages;
using Ppsd.Actors.Stages;

namespace Ppsd.Tests.Support.Toys;

/// <summary>A real runtime that tells before each step how many rows it will have been given then.</summary>
internal sealed class MortalRuntime(IStageRuntime runtime, Action<int> onRows) : IStageRuntime
{
    private int _rows;

    public StageDescription Description => runtime.Description;

    public int FreePages => runtime.FreePages;

    public void Open(SessionId session, SessionSettings settings) => runtime.Open(session, settings);

    public bool Commit(SessionId session, VerifiedPath path) => runtime.Commit(session, path);

    public bool Rollback(SessionId session, VerifiedPath path) => runtime.Rollback(session, path);

    public void Release(SessionId session) => runtime.Release(session);

    public int CountHeld(SessionId session, ReadOnlySpan<TokenId> text) => runtime.CountHeld(session, text);

    public bool TryAdopt(SessionId earlier, SessionId session, int length, SessionSettings settings) =>
        runtime.TryAdopt(earlier, session, length, settings);

    public bool TryRecover() => runtime.TryRecover();

    public void BeginStep() => runtime.BeginStep();

    public bool TryAppend(BatchPart part)
    {
        _rows += part.Count;
        return runtime.TryAppend(part);
    }

    public bool Forward(
        ReadOnlyMemory<byte> hidden,
        Func<bool> isCancelled,
        DraftRequest? drafts,
        Action? onQueued = null
    )
    {
        onRows(_rows);
        return runtime.Forward(hidden, isCancelled, drafts, onQueued);
    }

    public void ReadHidden(Span<byte> target) => runtime.ReadHidden(target);

    public void RunExitHead(DraftRequest request) => runtime.RunExitHead(request);

    public void Draft(int row, CandidateId origin, int width, List<DraftedToken> drafts) =>
        runtime.Draft(row, origin, width, drafts);

    public void DraftBehind(
        SessionId session,
        CandidateId parent,
        TokenId token,
        int depth,
        int width,
        List<DraftedToken> drafts
    ) => runtime.DraftBehind(session, parent, token, depth, width, drafts);

    public TokenId[] Verify(int firstRow) => runtime.Verify(firstRow);

    public TokenLogprobs Logprobs(int row, TokenId token, int topCount) => runtime.Logprobs(row, token, topCount);

    public void Dispose() => runtime.Dispose();
}
