using Ppsd.Actors.Ids;
using Ppsd.Actors.Messages;
using Ppsd.Actors.Speculation;
using Ppsd.Actors.Stages;

namespace Ppsd.Host.Bench.LockStep;

/// <summary>
/// One stage of a pipeline without clocks and threads: does to a micro-batch what a stage actor does, and keeps its messages
/// until the cycle is over. Takes ownership of its runtime.
/// </summary>
internal sealed class LockStepStage : IDisposable
{
    private readonly bool _isLast;
    private readonly IStageRuntime _runtime;
    private readonly StageSessions _sessions;
    private readonly StageHeads _heads;

    public LockStepStage(StageIndex index, bool isLast, IStageRuntime runtime)
    {
        _isLast = isLast;
        _runtime = runtime;
        _sessions = new StageSessions(
            index,
            runtime,
            Board,
            part => Messages.Add(new GapSeen(part.Session, part.Run)),
            (session, reason) => Messages.Add(new StageFault(session, index, reason))
        );
        _heads = new StageHeads(runtime, _sessions);
    }

    /// <summary>What it holds.</summary>
    public StageDescription Description => _runtime.Description;

    /// <summary>Dead runs and branches.</summary>
    public CancelBoard Board { get; } = new();

    /// <summary>Drafts, verdicts and complaints of this cycle, in that order.</summary>
    public List<object> Messages { get; } = [];

    /// <summary>Works on a micro-batch.</summary>
    /// <returns>What goes to the next stage; null for nothing.</returns>
    public WorkItem? Run(WorkItem received)
    {
        try
        {
            return BatchCut.WithoutDead(received, Board) is { } living && _sessions.Place(living) is { } item
                ? Compute(item)
                : null;
        }
        finally
        {
            received.Hidden.Release();
        }
    }

    /// <summary>Frees a session's pages.</summary>
    public void Release(SessionId session)
    {
        Board.End(session);
        _sessions.Release(session);
    }

    /// <inheritdoc />
    public void Dispose()
    {
        _sessions.ReleaseAll();
        _runtime.Dispose();
    }

    private WorkItem? Compute(WorkItem item)
    {
        var batch = item.Batch;
        var drafts = _heads.MustRunExitHead(batch, _isLast);
        _runtime.Forward(item.Hidden.Memory, static () => false, drafts ? _heads.RequestFor(batch) : null);
        if (drafts)
        {
            Messages.AddRange(_heads.Draft(batch));
        }

        if (_isLast)
        {
            if (batch.FirstHeadRow < batch.Count)
            {
                Messages.Add(_heads.Judge(batch));
            }

            return null;
        }

        var hidden = HiddenStates.Rent(batch.Count * _runtime.Description.HiddenSize * sizeof(float));
        _runtime.ReadHidden(hidden.Target);
        return new WorkItem(batch, hidden);
    }
}
