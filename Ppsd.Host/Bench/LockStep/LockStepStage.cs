using Ppsd.Actors.Ids;
using Ppsd.Actors.Messages;
using Ppsd.Actors.Speculation;
using Ppsd.Actors.Stages;

namespace Ppsd.Host.Bench.LockStep;

/// <summary>
/// One stage of a pipeline without clocks and threads: has a micro-batch worked on as a stage actor does, and keeps its
/// messages until the cycle is over. Takes ownership of its runtime.
/// </summary>
internal sealed class LockStepStage : IVerdictSink, IDisposable
{
    private readonly bool _isLast;
    private readonly IStageRuntime _runtime;
    private readonly StageWorker _worker;
    private readonly Action<WorkItem> _handOver;
    private WorkItem? _done;

    public LockStepStage(StageIndex index, bool isLast, IStageRuntime runtime)
    {
        _isLast = isLast;
        _runtime = runtime;
        _worker = new StageWorker(index, runtime, Board, Board.IsDead, sink: this, TimeProvider.System);
        _handOver = item => _done = item;
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
        _done = null;
        _worker.Run(received, _isLast, _handOver, onQueued: null);
        return _done;
    }

    /// <summary>Frees a session's pages.</summary>
    public void Release(SessionId session)
    {
        Board.End(session);
        _worker.Release(session);
    }

    /// <inheritdoc />
    public void Dispose()
    {
        _worker.ReleaseAll();
        _runtime.Dispose();
    }

    void IVerdictSink.Take(Drafts drafts) => Messages.Add(drafts);

    void IVerdictSink.Take(Verdicts verdicts) => Messages.Add(verdicts);

    void IVerdictSink.Take(GapSeen gap) => Messages.Add(gap);

    void IVerdictSink.Take(StageFault fault) => Messages.Add(fault);
}
