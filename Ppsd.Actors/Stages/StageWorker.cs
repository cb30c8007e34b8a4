using Ppsd.Actors.Ids;
using Ppsd.Actors.Messages;
using Ppsd.Actors.Resumes;
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
    private readonly RowMemory? _memory;
    private readonly TimeProvider _clock;
    private MicroBatch? _current;
    private long _replayed;

    /// <summary>A worker with no session open.</summary>
    /// <param name="board">Dead runs and branches.</param>
    /// <param name="isDead">True when work on a micro-batch is wasted; asked before its step and between layers.</param>
    /// <param name="sink">Receives drafts, verdicts and faults.</param>
    /// <param name="replayMemory">
    /// Most bytes of hidden states kept to be sent again; 0 to keep nothing of a session whose pipeline is gone.
    /// </param>
    public StageWorker(
        StageIndex index,
        IStageRuntime runtime,
        CancelBoard board,
        Func<MicroBatch, bool> isDead,
        IVerdictSink sink,
        TimeProvider clock,
        long replayMemory = 0
    )
    {
        _memory = replayMemory > 0 ? new RowMemory(replayMemory, runtime.Description.HiddenSize * sizeof(float)) : null;
        _clock = clock;
        _index = index;
        _runtime = runtime;
        ReplayChunk = runtime.Description.MaxRows;
        _board = board;
        _sink = sink;
        _isDead = isDead;
        _isCurrentDead = () => _isDead(_current!);
        _sessions = new StageSessions(
            index,
            runtime,
            board,
            part => sink.Take(new GapSeen(part.Session, part.Run)),
            Fault,
            _memory
        );
        _heads = new StageHeads(index.Value == 0, runtime, _sessions);
        Meter = new StageMeter(clock);
    }

    /// <summary>Where the stage's time goes.</summary>
    public StageMeter Meter { get; }

    /// <summary>Sessions open.</summary>
    public int OpenSessions => _sessions.Count;

    /// <summary>Sessions of earlier pipelines that are kept.</summary>
    public int ParkedSessions => _sessions.ParkedCount;

    /// <summary>Rows that went through the layers.</summary>
    public long ComputedRows { get; private set; }

    /// <summary>Bytes of the hidden states that are kept.</summary>
    public long SentRowBytes => _memory?.UsedBytes ?? 0;

    /// <summary>Most tokens of a part that is sent again.</summary>
    public int ReplayChunk { get; set; }

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

    /// <summary>Closes all sessions; where there is a budget, what is verified of them is kept for those that go on with their texts.</summary>
    public void Park() => _sessions.Park();

    /// <summary>Says what is kept of a text.</summary>
    public KeptFound Find(FindKept find) => _sessions.Find(find);

    /// <summary>Nobody goes on with what no session of a pipeline has asked for.</summary>
    public void DropUnclaimed(PipelineEpoch pipeline) => _sessions.DropUnclaimed(pipeline);

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

        ComputedRows += batch.Count;
        _sessions.NoteComputed(batch);
        foreach (var part in batch.Parts)
        {
            if (part.IsReplayed)
            {
                _sink.Take(new TokensReplayed(part.Session));
            }
        }

        if (!isLast)
        {
            // The next stage starts now; this stage's exit head runs meanwhile.
            var hidden = HiddenStates.Rent(batch.Count * _runtime.Description.HiddenSize * sizeof(float));
            _runtime.ReadHidden(hidden.Target);
            KeepRows(batch, hidden.Target);
            if (Outgoing(new WorkItem(batch, hidden)) is { } outgoing)
            {
                handOver(outgoing);
            }
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

    private void KeepRows(MicroBatch batch, ReadOnlySpan<byte> hidden)
    {
        if (_memory is null)
        {
            return;
        }

        var rowBytes = _memory.RowBytes;
        var row = 0;
        foreach (var part in batch.Parts)
        {
            _sessions.RowsOf(part.Session)?.Add(part, hidden.Slice(row * rowBytes, part.Count * rowBytes));
            row += part.Count;
        }
    }

    /// <summary>
    /// What the next stage gets: a replay only where it lacks the tokens, and before a part that goes on behind tokens that it
    /// alone lacks, those.
    /// </summary>
    private WorkItem? Outgoing(WorkItem item)
    {
        var parts = item.Batch.Parts;
        if (Array.TrueForAll(parts, part => part.Lacking is null))
        {
            return item;
        }

        var (own, next) = (_index.Value, _index.Value + 1);
        var feeds = Array.FindAll(parts, part => !part.IsReplayed && part.IsLackedBy(next) && !part.IsLackedBy(own));
        var wanted = Array.FindAll(parts, part => !part.IsReplayed || part.IsLackedBy(next));
        var outgoing = wanted.Length == parts.Length ? item : BatchCut.Keep(item, [.. parts.Select(Wanted)]);
        return feeds.Length == 0 ? outgoing : outgoing! with { Before = feeds.SelectMany(Replay) };

        BatchPart? Wanted(BatchPart part) => Array.IndexOf(wanted, part) < 0 ? null : part;
    }

    /// <summary>A session's tokens up to a part's base, to be sent again.</summary>
    private IEnumerable<WorkItem> Replay(BatchPart next) =>
        _sessions.RowsOf(next.Session) is { } rows
            ? ReplayParts
                .Before(next, rows, ReplayChunk)
                .Select(replayed => new WorkItem(new MicroBatch(NextReplay(), [replayed.Part]), replayed.Hidden))
            : [];

    /// <summary>A number that no other micro-batch of a hop has: those of the draft stage count up from 0.</summary>
    private BatchNumber NextReplay() => new(-1 - (_replayed++ * 1024 + _index.Value));

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
        _sink.Take(verdicts with { StageMs = batch.StageMsAt(_clock) });
    }

    private void Fault(SessionId session, string reason) => _sink.Take(new StageFault(session, _index, reason));
}
