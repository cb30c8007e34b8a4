using Ppsd.Actors.Ids;
using Ppsd.Actors.Messages;
using Ppsd.Actors.Stages;

namespace Ppsd.Host.Runtime;

/// <summary>
/// A runtime in use by a stage actor; when that is done with it, its sessions are released and it goes where it came from, unless
/// its device is broken.
/// </summary>
/// <param name="putBack">Called once.</param>
internal sealed class ShelvedRuntime(IStageRuntime runtime, Action putBack) : IStageRuntime
{
    private readonly HashSet<SessionId> _open = [];
    private bool _isBroken;
    private bool _isDisposed;

    public StageDescription Description => runtime.Description;

    public bool RunsOnDevice => runtime.RunsOnDevice;

    public int FreePages => runtime.FreePages;

    public RuntimeFigures Figures => runtime.Figures;

    public void Open(SessionId session, SessionSettings settings)
    {
        runtime.Open(session, settings);
        _open.Add(session);
    }

    public bool Commit(SessionId session, VerifiedPath path) => runtime.Commit(session, path);

    public bool Rollback(SessionId session, VerifiedPath path) => runtime.Rollback(session, path);

    public void Release(SessionId session)
    {
        _open.Remove(session);
        runtime.Release(session);
    }

    public int CountHeld(SessionId session, ReadOnlySpan<TokenId> text) => runtime.CountHeld(session, text);

    public bool TryAdopt(SessionId earlier, SessionId session, int length, SessionSettings settings)
    {
        var isAdopted = runtime.TryAdopt(earlier, session, length, settings);
        if (isAdopted)
        {
            _open.Remove(earlier);
            _open.Add(session);
        }

        return isAdopted;
    }

    public bool TryRecover()
    {
        _isBroken = !runtime.TryRecover();
        return !_isBroken;
    }

    public void BeginStep() => runtime.BeginStep();

    public bool TryAppend(BatchPart part) => runtime.TryAppend(part);

    public bool Forward(
        ReadOnlyMemory<byte> hidden,
        Func<bool> isCancelled,
        DraftRequest? drafts,
        Action? onQueued = null
    ) => runtime.Forward(hidden, isCancelled, drafts, onQueued);

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

    public void Dispose()
    {
        if (_isDisposed)
        {
            return;
        }

        _isDisposed = true;
        if (_isBroken)
        {
            runtime.Dispose();
            return;
        }

        foreach (var session in _open)
        {
            runtime.Release(session);
        }

        putBack();
    }
}
