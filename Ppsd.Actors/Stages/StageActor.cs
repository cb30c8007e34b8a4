using Akka.Actor;
using Akka.Event;
using Ppsd.Actors.Ids;
using Ppsd.Actors.Mailboxes;
using Ppsd.Actors.Messages;
using Ppsd.Actors.Options;
using Ppsd.Actors.Speculation;

namespace Ppsd.Actors.Stages;

/// <summary>
/// One stage of the pipeline: owns a device's runtime and its KV cache, takes micro-batches from the stage before, hands
/// hidden states to the next at once, drafts if it holds the exit head and gives verdicts if it is the last. Runs on its
/// own thread (<c>ppsd.stage-dispatcher</c>) with a <see cref="StageMailbox"/>; device work never touches the thread
/// pool, which remoting and heartbeats share.
/// </summary>
internal class StageActor : ReceiveActor
{
    private readonly StageSetup _setup;
    private readonly WorkQueue _queue = new();
    private readonly CreditWindow _outbox;
    private readonly StageMeter _meter;
    private readonly Dictionary<SessionId, OpenSession> _open = [];
    private readonly List<DraftedToken> _drafts = [];
    private readonly Func<bool> _isCurrentDead;
    private IStageRuntime _runtime = null!;
    private MicroBatch? _current;
    private bool _workRequested;

    public StageActor(StageSetup setup)
    {
        _setup = setup;
        _outbox = new CreditWindow(setup.Options.CreditWindow);
        _meter = new StageMeter(setup.Clock);
        _isCurrentDead = () => IsDead(_current!);

        Receive<PipelineFormed>(Join);
        Receive<Forward>(Enqueue);
        Receive<Work>(_ => WorkOnce());
        Receive<Credit>(SendOn);
        Receive<Cancel>(_ => DropDeadWork());
        Receive<EndSession>(Release);
        Receive<GetStageStatus>(_ => Sender.Tell(Status()));
        Receive<Terminated>(StageLost);
    }

    /// <summary>The pipeline this stage belongs to, once it is formed.</summary>
    protected PipelineFormed? Pipeline { get; private set; }

    /// <summary>The stage's place.</summary>
    protected StageIndex Index => _setup.Index;

    /// <summary>Time of this stage.</summary>
    protected TimeProvider Clock => _setup.Clock;

    /// <summary>Settings of the protocol.</summary>
    protected PipelineOptions Options => _setup.Options;

    /// <summary>Log of this stage.</summary>
    protected ILoggingAdapter Log { get; } = Context.GetLogger();

    /// <summary>What is dead; raised by the mailbox.</summary>
    protected CancelBoard Board => Mailbox.Board;

    /// <summary>The stage's own mailbox, for a look at what waits.</summary>
    protected StageMessageQueue Mailbox { get; private set; } = null!;

    /// <summary>The stage where sessions live.</summary>
    private IActorRef DraftStage => Pipeline!.Stages[0].Actor;

    private bool IsLast => _setup.Index.Value == Pipeline!.Stages.Length - 1;

    protected override void PreStart()
    {
        Mailbox =
            ((ActorCell)Context).Mailbox?.MessageQueue as StageMessageQueue
            ?? throw new InvalidOperationException("a stage actor needs the mailbox ppsd.stage-mailbox");
        try
        {
            _runtime = _setup.CreateRuntime();
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            Log.Debug("stage {0} could not be loaded: {1}", Index.Number, e);
            _setup.Host.Tell(new StageFailed(Index, e.Message));
            Context.Stop(Self);
            return;
        }

        _setup.Host.Tell(new StageReady(Index, new PipelineStage(Self, _runtime.Description)));
    }

    protected override void PostStop() => _runtime?.Dispose();

    /// <summary>True when work on a micro-batch is wasted. Asked before it begins and between its layers.</summary>
    protected virtual bool IsDead(MicroBatch batch) => Board.IsDead(batch);

    /// <summary>The next micro-batch to work on, or null.</summary>
    protected virtual WorkItem? NextWork() => _queue.TakeNext();

    /// <summary>Drafts of this stage's exit head are ready.</summary>
    protected virtual void SendDrafts(Drafts drafts) => DraftStage.Tell(drafts);

    /// <summary>The pipeline was formed, or formed anew: nothing of an earlier one survives.</summary>
    protected virtual void Join(PipelineFormed formed)
    {
        if (Pipeline is { } known)
        {
            if (formed.Epoch.Value <= known.Epoch.Value)
            {
                return;
            }

            foreach (var stage in known.Stages)
            {
                Context.Unwatch(stage.Actor);
            }
        }

        ReleaseAll();
        Pipeline = formed;
        foreach (var stage in formed.Stages)
        {
            if (!stage.Actor.Equals(Self))
            {
                Context.Watch(stage.Actor);
            }
        }
    }

    /// <summary>A stage of the pipeline is gone, and with it every session's cache.</summary>
    protected virtual void StageLost(Terminated lost)
    {
        ReleaseAll();
        Pipeline = null;
    }

    /// <summary>Asks for <see cref="WorkOnce"/> behind all messages that have arrived, so that each pick sees them.</summary>
    protected void RequestWork()
    {
        if (!_workRequested)
        {
            _workRequested = true;
            Self.Tell(Work.Instance);
        }
    }

    private void Enqueue(Forward forward)
    {
        if (!Array.TrueForAll(forward.Batch.Parts, part => part.Session.Epoch == Pipeline?.Epoch))
        {
            return;
        }

        _queue.Add(new WorkItem(forward.Batch, forward.Hidden));
        RequestWork();
    }

    private void WorkOnce()
    {
        _workRequested = false;

        // Hidden states that cannot be sent yet would only pile up here; the credit that frees a place asks again.
        if (Pipeline is null || _outbox.WaitingCount > 0 || NextWork() is not { } item)
        {
            return;
        }

        _current = item.Batch;
        var completedRows = 0;
        _meter.Begin();
        try
        {
            completedRows = Process(item);
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            // The device may be broken for good. The sessions learn why; the host decides about the stage.
            foreach (var part in item.Batch.Parts)
            {
                Fault(part.Session, $"stage {Index.Number} failed: {e.Message}");
            }

            throw;
        }
        finally
        {
            _meter.End(completedRows);
            _current = null;
        }

        RequestWork();
    }

    /// <summary>
    /// One micro-batch: bring the caches into line, run the layers, hand over, then draft or judge. Returns the candidates
    /// that went all the way; 0 for a chunk of a prompt and for what died or could not be placed.
    /// </summary>
    private int Process(WorkItem received)
    {
        ReturnCredit(received.Batch.Number);
        if (IsDead(received.Batch) || BatchCut.WithoutDead(received, Board) is not { } living)
        {
            _meter.Cancel();
            return 0;
        }

        if (Place(living) is not { } item)
        {
            return 0;
        }

        var batch = item.Batch;
        _current = batch;
        if (!_runtime.Forward(item.Hidden, _isCurrentDead))
        {
            _meter.Cancel();
            return 0;
        }

        if (IsLast)
        {
            Judge(batch);
        }
        else
        {
            // The next stage starts now; this stage's exit head runs meanwhile.
            _outbox.Add(item with { Hidden = _runtime.ReadHidden() });
            Send();
            Draft(batch);
        }

        return batch.FirstHeadRow == 0 ? batch.Count : 0;
    }

    /// <summary>Makes the parts rows of a step; those that cannot be placed are left out, null when none can.</summary>
    private WorkItem? Place(WorkItem item)
    {
        _runtime.BeginStep();
        List<BatchPart?>? placed = null;
        var parts = item.Batch.Parts;
        for (var i = 0; i < parts.Length; i++)
        {
            var part = TryPlace(parts[i]) ? parts[i] : null;
            if (part is null)
            {
                placed ??= [.. parts[..i]];
            }

            placed?.Add(part);
        }

        return placed is null ? item : BatchCut.Keep(item, placed);
    }

    private bool TryPlace(BatchPart part)
    {
        // Candidates enter in order and once, so one that is not newer than the last has been here before.
        if (_open.TryGetValue(part.Session, out var known) && part.Candidates[0].Value <= known.LastCandidate.Value)
        {
            return false;
        }

        try
        {
            if (TryAlign(part) && _runtime.TryAppend(part))
            {
                _open[part.Session].LastCandidate = part.Candidates[^1];
                return true;
            }
        }
        catch (StageCapacityException e)
        {
            Fault(part.Session, e.Message);
            return false;
        }

        NoteGap(part);
        return false;
    }

    /// <summary>Opens the session, starts its new run or commits what is verified; false when a message was lost.</summary>
    private bool TryAlign(BatchPart part)
    {
        if (!_open.TryGetValue(part.Session, out var session))
        {
            if (part.Settings is null)
            {
                return false;
            }

            _runtime.Open(part.Session, part.Settings);
            _open.Add(part.Session, new OpenSession(part.Settings) { Run = part.Run });
            return true;
        }

        if (part.Run < session.Run)
        {
            return false;
        }

        if (part.Run == session.Run)
        {
            return !session.HasGap && _runtime.Commit(part.Session, part.Base);
        }

        // The run before is dead here even if its cancel was lost, and so is what the outbox still counts of it.
        Board.StartRun(part.Session, part.Run);
        _outbox.DropDead(Board);
        session.Run = part.Run;
        session.HasGap = false;
        return _runtime.Rollback(part.Session, part.Base);
    }

    private void NoteGap(BatchPart part)
    {
        if (_open.TryGetValue(part.Session, out var session) && session.Run == part.Run)
        {
            // Candidates of this part may be in the cache without values. Nothing of the run can be built on them.
            session.HasGap = true;
        }

        DraftStage.Tell(new GapSeen(part.Session, part.Run));
    }

    private void Draft(MicroBatch batch)
    {
        if (!_runtime.Description.HasExitHead || IsDead(batch))
        {
            return;
        }

        var drafting = Array.FindIndex(batch.Parts, part => part.IsDrafting);
        if (drafting < 0 && !Array.Exists(batch.Parts, part => _open[part.Session].Settings.Mode == DecodeMode.Ppsd))
        {
            return;
        }

        // A head with a cache of its own needs every token of a session that will draft again.
        _meter.MarkWork();
        var firstRow = drafting < 0 ? batch.Count : Math.Max(batch.FirstHeadRow, RowOf(batch, drafting));
        _runtime.RunExitHead(firstRow);
        for (var i = drafting; i >= 0 && i < batch.Parts.Length; i++)
        {
            Draft(batch.Parts[i], RowOf(batch, i));
        }

        _meter.MarkHeads();
    }

    private void Draft(BatchPart part, int firstRow)
    {
        if (!part.IsDrafting)
        {
            return;
        }

        _drafts.Clear();
        for (var i = part.FirstHeadRow; i < part.Count; i++)
        {
            _runtime.Draft(firstRow + i, part.Candidates[i], _open[part.Session].Settings.MaxWidth, _drafts);
        }

        if (_drafts.Count > 0)
        {
            SendDrafts(new Drafts(part.Session, part.Run, [.. _drafts]));
        }
    }

    private void Judge(MicroBatch batch)
    {
        if (batch.FirstHeadRow == batch.Count)
        {
            return;
        }

        _meter.MarkWork();
        var tokens = _runtime.Verify(batch.FirstHeadRow);
        var verdicts = new List<SessionVerdicts>(batch.Parts.Length);
        var row = 0;
        foreach (var part in batch.Parts)
        {
            if (part.FirstHeadRow < part.Count)
            {
                verdicts.Add(
                    Verdicts(part, row + part.FirstHeadRow, tokens.AsSpan(row + part.FirstHeadRow - batch.FirstHeadRow))
                );
            }

            row += part.Count;
        }

        _meter.MarkHeads();
        DraftStage.Tell(new Verdicts([.. verdicts]));
    }

    private SessionVerdicts Verdicts(BatchPart part, int firstRow, ReadOnlySpan<TokenId> tokens)
    {
        var own = tokens[..(part.Count - part.FirstHeadRow)].ToArray();
        TokenLogprobs[]? logprobs = null;
        if (_open[part.Session].Settings.TopLogprobs is { } topCount)
        {
            logprobs = new TokenLogprobs[own.Length];
            for (var i = 0; i < own.Length; i++)
            {
                logprobs[i] = _runtime.Logprobs(firstRow + i, own[i], topCount);
            }
        }

        return new SessionVerdicts(part.Session, part.Run, part.Candidates[part.FirstHeadRow..], own, logprobs);
    }

    private static int RowOf(MicroBatch batch, int partIndex)
    {
        var row = 0;
        for (var i = 0; i < partIndex; i++)
        {
            row += batch.Parts[i].Count;
        }

        return row;
    }

    private void ReturnCredit(BatchNumber number)
    {
        if (Index.Value > 0)
        {
            Pipeline!.Stages[Index.Value - 1].Actor.Tell(new Credit(number));
        }
    }

    private void SendOn(Credit credit)
    {
        _outbox.Return(credit.Number);
        Send();
    }

    private void Send()
    {
        if (Pipeline is null)
        {
            return;
        }

        while (_outbox.TakeNext() is { } item)
        {
            Pipeline.Stages[Index.Value + 1].Actor.Tell(new Forward(item.Batch, item.Hidden));
        }

        RequestWork();
    }

    private void DropDeadWork()
    {
        _meter.Cancel(_queue.DropDead(Board));
        _outbox.DropDead(Board);
        Send();
    }

    private void Release(EndSession end)
    {
        _open.Remove(end.Session);
        _runtime.Release(end.Session);
        DropDeadWork();
        Sender.Tell(new SessionReleased(end.Session, Index));
    }

    private void ReleaseAll()
    {
        foreach (var session in _open.Keys)
        {
            _runtime.Release(session);
        }

        _open.Clear();
        _queue.Clear();
        _outbox.Clear();
    }

    private void Fault(SessionId session, string reason)
    {
        Log.Warning("{0}: {1}", session, reason);
        DraftStage.Tell(new StageFault(session, Index, reason));
    }

    private StageStatus Status() =>
        new()
        {
            Stage = Index,
            Description = _runtime.Description,
            OpenSessions = _open.Count,
            UsedPages = _runtime.Description.PageCount - _runtime.FreePages,
            BusyMs = _meter.BusyMs,
            DecodeMs = _meter.DecodeMs,
            DecodeHeadsMs = _meter.DecodeHeadsMs,
            DecodeSteps = _meter.DecodeSteps,
            DecodeRows = _meter.DecodeRows,
            CancelledSteps = _meter.CancelledSteps,
            QueueLength = _queue.Count,
        };

    private sealed class OpenSession(SessionSettings settings)
    {
        public SessionSettings Settings { get; } = settings;

        public RunId Run { get; set; }

        public CandidateId LastCandidate { get; set; } = CandidateId.Root;

        /// <summary>True when something of the run was lost: only its next run can be placed.</summary>
        public bool HasGap { get; set; }
    }

    /// <summary>Note to self: pick a micro-batch and work on it.</summary>
    private sealed class Work
    {
        public static Work Instance { get; } = new();
    }
}
