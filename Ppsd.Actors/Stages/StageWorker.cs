using Ppsd.Actors.Ids;
using Ppsd.Actors.Messages;
using Ppsd.Actors.Speculation;

namespace Ppsd.Actors.Stages;

/// <summary>
/// A stage's work on a micro-batch: brings the caches into line, runs the layers, hands over, then drafts or judges. Knows
/// no actors. Used by the stage's thread.
/// </summary>
internal sealed class StageWorker
{
    private readonly StageIndex _index;
    private readonly IStageRuntime _runtime;
    private readonly CancelBoard _board;
    private readonly IVerdictSink _sink;
    private readonly Func<MicroBatch, bool> _isDead;
    private readonly Func<bool> _isCurrentDead;
    private readonly StageSessions _sessions;
    private readonly StageHeads _heads;
    private MicroBatch? _current;

    /// <summary>A worker with no session open.</summary>
    /// <param name="board">Dead runs and branches.</param>
    /// <param name="isDead">True when work on a micro-batch is wasted; asked before its step and between layers.</param>
    /// <param name="sink">Receives drafts, verdicts and faults.</param>
    public StageWorker(
        StageIndex index,
        IStageRuntime runtime,
        CancelBoard board,
        Func<MicroBatch, bool> isDead,
        IVerdictSink sink,
        TimeProvider clock
    )
    {
        _index = index;
        _runtime = runtime;
        _board = board;
        _sink = sink;
        _isDead = isDead;
        _isCurrentDead = () => _isDead(_current!);
        _sessions = new StageSessions(
            index,
            runtime,
            board,
            part => sink.Take(new GapSeen(part.Session, part.Run)),
            Fault
        );
        _heads = new StageHeads(index.Value == 0, runtime, _sessions);
        Meter = new StageMeter(clock);
    }

    /// <summary>Where the stage's time goes.</summary>
    public StageMeter Meter { get; }

    /// <summary>Sessions open.</summary>
    public int OpenSessions => _sessions.Count;

    /// <summary>Works on a micro-batch and releases the hidden states it came with.</summary>
    /// <param name="isLast">True at the last stage, which gives verdicts.</param>
    /// <param name="handOver">Takes what the next stage works on.</param>
    /// <param name="onQueued">Called once, when the device has work enough to be left alone for a while.</param>
    /// <returns>Completed candidates; 0 for a prompt chunk and for work that died or could not be placed.</returns>
    public int Run(WorkItem received, bool isLast, Action<WorkItem> handOver, Action? onQueued)
    {
        var completedRows = 0;
        _current = received.Batch;
        Meter.Begin();
        try
        {
            completedRows = Process(received, isLast, handOver, onQueued);
        }
        finally
        {
            Meter.End(completedRows);
            _current = null;
            received.Hidden.Release();
        }

        return completedRows;
    }

    /// <summary>After <see cref="Run"/> threw: ends the sessions of the step, and only those, with the reason.</summary>
    /// <returns>False when the device is broken for good, and the stage with it.</returns>
    public bool TryRecover(MicroBatch failed, Exception cause)
    {
        foreach (var part in failed.Parts)
        {
            Fault(part.Session, $"stage {_index.Number} failed: {cause.Message}");
        }

        return _runtime.TryRecover();
    }

    /// <summary>Drafts behind a token that waits to enter; see <see cref="IStageRuntime.DraftBehind"/>.</summary>
    /// <returns>The drafts; none where the session has ended meanwhile or the step failed, which ends the session.</returns>
    public DraftedToken[] DraftBehind(SessionId session, WaitingToken waiting)
    {
        Meter.Begin();
        try
        {
            return _heads.DraftBehind(session, waiting);
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            Fault(session, $"stage {_index.Number} failed: {e.Message}");
            if (!_runtime.TryRecover())
            {
                throw;
            }

            return [];
        }
        finally
        {
            Meter.MarkHeads();
            Meter.End(completedRows: 0);
        }
    }

    /// <summary>Closes a session and frees its pages.</summary>
    public void Release(SessionId session) => _sessions.Release(session);

    /// <summary>Closes all sessions.</summary>
    public void ReleaseAll() => _sessions.ReleaseAll();

    private int Process(WorkItem received, bool isLast, Action<WorkItem> handOver, Action? onQueued)
    {
        if (_isDead(received.Batch) || BatchCut.WithoutDead(received, _board) is not { } living)
        {
            Meter.Cancel();
            return 0;
        }

        if (_sessions.Place(living) is not { } item)
        {
            return 0;
        }

        var batch = item.Batch;
        _current = batch;
        var drafts = _heads.MustRunExitHead(batch, isLast);
        if (
            !_runtime.Forward(
                item.Hidden.Memory,
                _isCurrentDead,
                drafts ? _heads.RequestFor(batch, isLast) : null,
                onQueued
            )
        )
        {
            Meter.Cancel();
            return 0;
        }

        if (!isLast)
        {
            // The next stage starts now; this stage's exit head runs meanwhile.
            var hidden = HiddenStates.Rent(batch.Count * _runtime.Description.HiddenSize * sizeof(float));
            _runtime.ReadHidden(hidden.Target);
            handOver(new WorkItem(batch, hidden));
        }

        // The last stage drafts before it judges: a candidate's drafts must not come after its verdict.
        if (drafts && !_isDead(batch))
        {
            Draft(batch, isLast);
        }
        else if (drafts)
        {
            _heads.TakeNote(batch);
        }

        if (isLast && batch.FirstHeadRow < batch.Count)
        {
            Judge(batch);
        }

        // A prompt alone is no decode step, even where its last chunk gets a verdict.
        return batch.FirstHeadRow == 0 || batch.Parts.Length > 1 ? batch.Count - batch.FirstHeadRow : 0;
    }

    private void Draft(MicroBatch batch, bool isLast)
    {
        Meter.MarkWork();
        foreach (var drafts in _heads.Draft(batch, isLast))
        {
            _sink.Take(drafts);
        }

        Meter.MarkHeads();
    }

    private void Judge(MicroBatch batch)
    {
        Meter.MarkWork();
        var verdicts = _heads.Judge(batch);
        Meter.MarkHeads();
        _sink.Take(verdicts);
    }

    private void Fault(SessionId session, string reason) => _sink.Take(new StageFault(session, _index, reason));
}
