using Ppsd.Actors.Ids;
using Ppsd.Actors.Messages;
using Ppsd.Actors.Stages;

namespace Ppsd.Host.Bench.LockStep;

/// <summary>A stage runtime that counts the rows and chain steps of its last step. Takes ownership of the stage.</summary>
/// <param name="costs">Costs that it reports; null for the stage's own.</param>
internal sealed class CountingRuntime(IStageRuntime inner, RowCosts? costs) : IStageRuntime
{
    private int _appended;

    /// <summary>Rows of the step that went through the layers.</summary>
    public int Rows { get; private set; }

    /// <summary>Rows that the exit head drafted from.</summary>
    public int DraftRows { get; private set; }

    /// <summary>Tokens ahead of each; 0 where the exit head did not run.</summary>
    public int Depth { get; private set; }

    public StageDescription Description { get; } =
        costs is { } known ? inner.Description with { RowCosts = known } : inner.Description;

    public bool RunsOnDevice => inner.RunsOnDevice;

    public int FreePages => inner.FreePages;

    public RuntimeFigures Figures => inner.Figures;

    /// <summary>Forgets the last step.</summary>
    public void Reset()
    {
        (Rows, DraftRows, Depth) = (0, 0, 0);
        _appended = 0;
    }

    public bool TryRecover() => inner.TryRecover();

    public void Open(SessionId session, SessionSettings settings) => inner.Open(session, settings);

    public bool Commit(SessionId session, VerifiedPath path) => inner.Commit(session, path);

    public bool Rollback(SessionId session, VerifiedPath path) => inner.Rollback(session, path);

    public void Release(SessionId session) => inner.Release(session);

    public void BeginStep()
    {
        Reset();
        inner.BeginStep();
    }

    public bool TryAppend(BatchPart part)
    {
        if (!inner.TryAppend(part))
        {
            return false;
        }

        _appended += part.Count;
        return true;
    }

    public bool Forward(ReadOnlyMemory<byte> hidden, Func<bool> isCancelled, DraftRequest? drafts, Action? onQueued)
    {
        Rows = _appended;
        return inner.Forward(hidden, isCancelled, drafts, onQueued);
    }

    public void ReadHidden(Span<byte> target) => inner.ReadHidden(target);

    public void RunExitHead(DraftRequest request)
    {
        (DraftRows, Depth) = (Rows - request.FirstRow, request.Depth);
        inner.RunExitHead(request);
    }

    public void Draft(int row, CandidateId origin, int width, List<DraftedToken> drafts) =>
        inner.Draft(row, origin, width, drafts);

    public void DraftBehind(
        SessionId session,
        CandidateId parent,
        TokenId token,
        int depth,
        int width,
        List<DraftedToken> drafts
    ) => inner.DraftBehind(session, parent, token, depth, width, drafts);

    public TokenId[] Verify(int firstRow) => inner.Verify(firstRow);

    public TokenLogprobs Logprobs(int row, TokenId token, int topCount) => inner.Logprobs(row, token, topCount);

    public void Dispose() => inner.Dispose();
}
