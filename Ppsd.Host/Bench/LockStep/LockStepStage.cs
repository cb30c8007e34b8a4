using Ppsd.Actors.Ids;
using Ppsd.Actors.Messages;
using Ppsd.Actors.Speculation;
using Ppsd.Actors.Stages;

namespace Ppsd.Host.Bench.LockStep;

/// <summary>
/// One stage of a pipeline without clocks and threads: has a micro-batch worked on as a stage actor does, and keeps its
/// messages until the step would be over. Takes ownership of its runtime.
/// </summary>
internal sealed class LockStepStage : IVerdictSink, IDisposable
{
    private readonly bool _isLast;
    private readonly CountingRuntime _runtime;
    private readonly StageWorker _worker;
    private readonly Action<WorkItem> _handOver;
    private readonly WorkQueue _queue = new();
    private readonly CreditWindow _outbox;
    private LockStepStep? _step;
    private int _stepsBehind;

    /// <param name="credits">Micro-batches that may be on their way to the next stage.</param>
    /// <param name="costs">Costs that it reports; null for those of the runtime.</param>
    public LockStepStage(StageIndex index, bool isLast, IStageRuntime runtime, int credits, RowCosts? costs)
    {
        Index = index;
        _isLast = isLast;
        _runtime = new CountingRuntime(runtime, costs);
        _worker = new StageWorker(index, _runtime, Board, Board.IsDead, sink: this, TimeProvider.System);
        _outbox = new CreditWindow(credits) { StepMs = _runtime.Description.RowCosts.StepMs };
        _handOver = item => _step!.Done = item;
    }

    /// <summary>The stage's place.</summary>
    public StageIndex Index { get; }

    /// <summary>The stage's runtime and sessions.</summary>
    public StageDescription Description => _runtime.Description;

    /// <summary>Dead runs and branches.</summary>
    public CancelBoard Board { get; } = new();

    /// <summary>The step it works on; null while it is idle.</summary>
    public LockStepStep? Step => _step;

    /// <summary>True while hidden states wait for credits: the stage then takes no work.</summary>
    public bool IsHeldUp => _outbox.WaitingCount > 0;

    /// <summary>Takes a micro-batch of the stage before.</summary>
    public void Add(WorkItem item) => _queue.Add(item);

    /// <summary>The next micro-batch that has been sent here; null for none.</summary>
    public WorkItem? TakeNext() => _queue.TakeNext();

    /// <summary>Runs a micro-batch at once and keeps its results until the step's counted time has passed.</summary>
    public LockStepStep Begin(WorkItem item)
    {
        _step = new LockStepStep(item.Batch);
        _runtime.Reset();
        _worker.Run(item, _isLast, _handOver, onQueued: null);
        _step.Rows = _runtime.Rows;
        _step.DraftRows = _runtime.DraftRows;
        _step.Depth = _runtime.Depth;
        _step.StepsBehind = _stepsBehind;
        _stepsBehind = 0;
        return _step;
    }

    /// <summary>The step is over.</summary>
    public void End() => _step = null;

    /// <summary>Queues the layers' hidden states for the next stage.</summary>
    public void HandOver(WorkItem item) => _outbox.Add(item);

    /// <summary>The next micro-batch to be sent; null where none waits or credits are out.</summary>
    public WorkItem? TakeToSend(double nowMs) => _outbox.TakeNext(Board, nowMs);

    /// <summary>The next stage has begun a micro-batch.</summary>
    public void Return(BatchNumber number, double nowMs) => _outbox.Return(number, nowMs);

    /// <summary>Learns of dead runs and branches.</summary>
    public void Take(Cancel cancel)
    {
        Board.Raise(cancel);
        _queue.DropDead(Board);
        _outbox.DropDead(Board);
    }

    /// <summary>Drafts behind a token that waits to enter, before the next step.</summary>
    public DraftedToken[] DraftBehind(SessionId session, WaitingToken waiting)
    {
        var drafts = _worker.DraftBehind(session, waiting);
        _stepsBehind += drafts.Length == 0 ? 0 : drafts[^1].Step;
        return drafts;
    }

    /// <summary>Frees a session's pages.</summary>
    public void Release(SessionId session)
    {
        Board.End(session);
        _queue.DropDead(Board);
        _outbox.DropDead(Board);
        _worker.Release(session);
    }

    /// <inheritdoc />
    public void Dispose()
    {
        _worker.Park();
        _runtime.Dispose();
    }

    void IVerdictSink.Take(Drafts drafts) => _step!.Messages.Add(drafts);

    void IVerdictSink.Take(Verdicts verdicts) => _step!.Messages.Add(verdicts);

    void IVerdictSink.Take(GapSeen gap) => _step!.Messages.Add(gap);

    void IVerdictSink.Take(StageFault fault) => _step!.Messages.Add(fault);
}
