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
    private readonly DraftLoopMeter _loop;
    private readonly Dictionary<SessionId, OpenSession> _open = [];
    private readonly Func<bool> _isCurrentDead;
    private IStageRuntime _runtime = null!;
    private MicroBatch? _current;
    private bool _workRequested;
    private double _loadMs;
    private long _allocatedBefore;

    public StageActor(StageSetup setup)
    {
        _setup = setup;
        _outbox = new CreditWindow(setup.Options.CreditWindow);
        _meter = new StageMeter(setup.Clock);
        _loop = new DraftLoopMeter(setup.Clock);
        _isCurrentDead = () => IsDead(_current!);

        Receive<PipelineFormed>(Join);
        Receive<Forward>(Enqueue);
        Receive<Work>(_ => WorkOnce());
        Receive<Credit>(SendOn);
        Receive<Cancel>(_ => DropDeadWork());
        Receive<EndSession>(Release);
        Receive<GetStageStatus>(_ => Report());
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

    /// <summary>What the protocol adds to the draft loop.</summary>
    protected DraftLoopMeter Loop => _loop;

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
            Mailbox.Clock = Clock;
            var started = Clock.GetTimestamp();
            _runtime = _setup.CreateRuntime();
            _loadMs = Clock.GetElapsedTime(started).TotalMilliseconds;
            _allocatedBefore = GC.GetAllocatedBytesForCurrentThread();
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
    protected virtual bool IsDead(MicroBatch batch) => Board.IsDead(batch.Session, batch.Run);

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

        ProbeLink();
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
        if (forward.Batch.Session.Epoch != Pipeline?.Epoch)
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
            _loop.Wait();
            return;
        }

        _current = item.Batch;
        _loop.Begin(item.Batch, _runtime.Figures.DeviceMs);
        var completed = false;
        _meter.Begin();
        try
        {
            completed = TryProcess(item);
        }
        catch (StageCapacityException e)
        {
            Fault(item.Batch.Session, e.Message);
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            // The device may be broken for good. The session learns why; the host decides about the stage.
            Fault(item.Batch.Session, $"stage {Index.Number} failed: {e.Message}");
            throw;
        }
        finally
        {
            _meter.End(completed && item.Batch.FirstHeadRow == 0);
            _loop.End(completed && item.Batch.FirstHeadRow == 0);
            _current = null;
        }

        RequestWork();
    }

    /// <summary>
    /// One micro-batch: bring the cache into line, run the layers, hand over, then draft or judge. False when it died or
    /// could not be placed.
    /// </summary>
    private bool TryProcess(WorkItem received)
    {
        ReturnCredit(received.Batch);
        if (IsDead(received.Batch) || DeadBranches.Without(received, Board) is not { } item)
        {
            _meter.Cancel();
            return false;
        }

        var batch = item.Batch;
        if (IsRepeated(batch))
        {
            return false;
        }

        if (!TryAlign(batch) || !_runtime.TryAppend(batch))
        {
            DraftStage.Tell(new GapSeen(batch.Session, batch.Run));
            return false;
        }

        _open[batch.Session].LastCandidate = batch.Candidates[^1];

        if (!_runtime.Forward(item.Hidden, _isCurrentDead))
        {
            _meter.Cancel();
            return false;
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

        return true;
    }

    /// <summary>Candidates enter in order and once, so one that is not newer than the last has been here before.</summary>
    private bool IsRepeated(MicroBatch batch) =>
        _open.TryGetValue(batch.Session, out var session) && batch.Candidates[0].Value <= session.LastCandidate.Value;

    /// <summary>Opens the session, starts its new run or commits what is verified; false when a message was lost.</summary>
    private bool TryAlign(MicroBatch batch)
    {
        if (!_open.TryGetValue(batch.Session, out var session))
        {
            if (batch.Settings is null)
            {
                return false;
            }

            _runtime.Open(batch.Session, batch.Settings);
            _open.Add(batch.Session, new OpenSession(batch.Settings) { Run = batch.Run });
            return true;
        }

        if (batch.Run < session.Run)
        {
            return false;
        }

        if (batch.Run == session.Run)
        {
            return _runtime.Commit(batch.Session, batch.Base);
        }

        session.Run = batch.Run;
        return _runtime.Rollback(batch.Session, batch.Base);
    }

    private void Draft(MicroBatch batch)
    {
        var settings = _open[batch.Session].Settings;
        if (settings.Mode != DecodeMode.Ppsd || !_runtime.Description.HasExitHead || IsDead(batch))
        {
            return;
        }

        _meter.MarkWork();
        var drafts = _runtime.Draft(batch.FirstHeadRow, settings.MaxWidth);
        _meter.MarkHeads();
        if (drafts.Length > 0)
        {
            SendDrafts(new Drafts(batch.Session, batch.Run, drafts));
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
        _meter.MarkHeads();
        var logprobs = _open[batch.Session].Settings.TopLogprobs is { } topCount
            ? Logprobs(batch.FirstHeadRow, tokens, topCount)
            : null;
        DraftStage.Tell(
            new Verdicts(batch.Session, batch.Run, batch.Candidates[batch.FirstHeadRow..], tokens, logprobs)
        );
    }

    private TokenLogprobs[] Logprobs(int firstRow, TokenId[] tokens, int topCount)
    {
        var logprobs = new TokenLogprobs[tokens.Length];
        for (var i = 0; i < tokens.Length; i++)
        {
            logprobs[i] = _runtime.Logprobs(firstRow + i, tokens[i], topCount);
        }

        return logprobs;
    }

    private void ReturnCredit(MicroBatch batch)
    {
        if (Index.Value > 0)
        {
            Pipeline!.Stages[Index.Value - 1].Actor.Tell(new Credit(batch.Session, batch.Run, batch.Candidates[0]));
        }
    }

    private void SendOn(Credit credit)
    {
        _outbox.Return(credit);
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

    private void Report()
    {
        Sender.Tell(Status());

        // The answer names the probe before this one: nobody waits for a link.
        ProbeLink();
    }

    private void ProbeLink()
    {
        if (Pipeline is not null && !IsLast)
        {
            Pipeline.Stages[Index.Value + 1].Actor.Tell(LinkMeter.Probe());
        }
    }

    /// <summary>The stage's figures.</summary>
    protected virtual StageStatus Status()
    {
        var figures = _runtime.Figures;
        return new()
        {
            Stage = Index,
            Description = _runtime.Description,
            OpenSessions = _open.Count,
            UsedPages = _runtime.Description.PageCount - _runtime.FreePages,
            BusyMs = _meter.BusyMs,
            DecodeMs = _meter.DecodeMs,
            DecodeHeadsMs = _meter.DecodeHeadsMs,
            DecodeSteps = _meter.DecodeSteps,
            CancelledSteps = _meter.CancelledSteps,
            QueueLength = _queue.Count,
            DeviceMs = figures.DeviceMs,
            DeviceAllocatedBytes = figures.AllocatedBytes,
            ProtocolAllocatedBytes = GC.GetAllocatedBytesForCurrentThread() - _allocatedBefore - figures.AllocatedBytes,
            HostMemoryBytes = ProcessMemory.AnonymousBytes(),
            LoadMs = _loadMs,
            CycleMs = _loop.CycleMs,
            CycleDeviceMs = _loop.CycleDeviceMs,
            Cycles = _loop.Cycles,
            RejectionMs = _loop.RejectionMs,
            Rejections = _loop.Rejections,
            UpMs = _meter.UpMs,
            LinkRoundTripMs = Pipeline is null || IsLast ? null : Mailbox.Link.RoundTripMs,
        };
    }

    private sealed class OpenSession(SessionSettings settings)
    {
        public SessionSettings Settings { get; } = settings;

        public RunId Run { get; set; }

        public CandidateId LastCandidate { get; set; } = CandidateId.Root;
    }

    /// <summary>Note to self: pick a micro-batch and work on it.</summary>
    private sealed class Work
    {
        public static Work Instance { get; } = new();
    }
}
