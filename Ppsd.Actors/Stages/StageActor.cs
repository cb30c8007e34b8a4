using Akka.Actor;
using Akka.Event;
using Ppsd.Actors.Ids;
using Ppsd.Actors.Links;
using Ppsd.Actors.Mailboxes;
using Ppsd.Actors.Messages;
using Ppsd.Actors.Messages.Wire;
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
    private readonly Func<bool> _isCurrentDead;
    private readonly Action _post;
    private readonly Func<bool> _hasMessages;
    private IStageRuntime _runtime = null!;
    private StageSessions _sessions = null!;
    private StageHeads _heads = null!;
    private BusyWait? _busyWait;
    private MicroBatch? _current;
    private bool _workRequested;
    private double _loadMs;
    private long _allocatedBefore;
    private long _linkBytes;

    public StageActor(StageSetup setup)
    {
        _setup = setup;
        _outbox = new CreditWindow(setup.Options.CreditWindow);
        _meter = new StageMeter(setup.Clock);
        _loop = new DraftLoopMeter(setup.Clock);
        _isCurrentDead = () => IsDead(_current!);
        _post = UseTheWait;
        _hasMessages = () => Mailbox.HasMessages || Links.TryTake();

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

    /// <summary>Dead runs and branches; the mailbox raises it.</summary>
    protected CancelBoard Board => Mailbox.Board;

    /// <summary>The stage's own mailbox, to look at waiting messages.</summary>
    protected StageMessageQueue Mailbox { get; private set; } = null!;

    /// <summary>Links to the other stages.</summary>
    protected StageLinks Links { get; private set; } = null!;

    /// <summary>Checks incoming messages against this stage's limits.</summary>
    protected StageIntake Intake { get; private set; } = null!;

    /// <summary>Measures the protocol's overhead in the draft loop.</summary>
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
            Intake = new StageIntake(Index, _runtime.Description);
            _sessions = new StageSessions(Index, _runtime, Board, NoteGap, Fault);
            _heads = new StageHeads(_runtime, _sessions);
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

        Links = StageLinks.Open(Context.System, Self, Options.DirectLinks);
        _setup.Host.Tell(new StageReady(Index, new PipelineStage(Self, _runtime.Description, Links.Endpoint)));
    }

    protected override void PostStop()
    {
        Links?.Dispose();
        _runtime?.Dispose();
    }

    /// <summary>The thread is the stage's own, so it may look for the next message here.</summary>
    protected override bool AroundReceive(Receive receive, object message)
    {
        var isHandled = base.AroundReceive(receive, message);
        _busyWait?.Look(_hasMessages);
        return isHandled;
    }

    /// <summary>
    /// True when work on a micro-batch is wasted. Checked before the step starts and between its layers.
    /// </summary>
    protected virtual bool IsDead(MicroBatch batch) => Board.IsDead(batch);

    /// <summary>The next micro-batch to work on, or null.</summary>
    protected virtual WorkItem? NextWork() => _queue.TakeNext();

    /// <summary>Drafts of this stage's exit head are ready.</summary>
    protected virtual void SendDrafts(Drafts drafts) => Links.Tell(0, drafts);

    /// <summary>
    /// Sends client notifications. They never affect the next step, so they go out while the device is busy.
    /// </summary>
    protected virtual void Post() { }

    /// <summary>The pipeline was formed or re-formed; state of an earlier pipeline is dropped.</summary>
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
        _busyWait = _runtime.RunsOnDevice
            ? new BusyWait(Clock, Options.BusyWaitOf(formed.Stages.Length, Environment.ProcessorCount))
            : null;
        Links.Connect(formed.Stages, Index);
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

    /// <summary>Drops an invalid message. The protocol treats it as lost.</summary>
    protected void Refuse(string message, string reason)
    {
        WireRefusals.Of(Context.System).Add();
        Log.Warning("stage {0} refused {1}: {2}", Index.Number, message, reason);
    }

    private void Enqueue(Forward forward)
    {
        if (Intake.Refusal(forward) is { } reason)
        {
            Refuse("a micro-batch", reason);
            return;
        }

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

        // Hidden states that cannot be sent yet would pile up here; the next credit requests work again.
        if (Pipeline is null || _outbox.WaitingCount > 0 || NextWork() is not { } item)
        {
            _loop.Wait();
            Post();
            return;
        }

        _current = item.Batch;
        _loop.Begin(item.Batch);
        var completedRows = 0;
        _meter.Begin();
        try
        {
            completedRows = Process(item);
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            // A failed step ends only the sessions in it, with the reason.
            Log.Debug("stage {0}: a step failed: {1}", Index.Number, e);
            foreach (var part in item.Batch.Parts)
            {
                Fault(part.Session, $"stage {Index.Number} failed: {e.Message}");
            }

            if (!_runtime.TryRecover())
            {
                // The device cannot recover; the host decides what happens to the stage.
                throw;
            }
        }
        finally
        {
            _meter.End(completedRows);
            _loop.End(completedRows > 0);
            _current = null;
            item.Hidden.Release();
            _busyWait?.NoteWork();

            // If the step failed before it was queued, the notifications are still pending.
            UseTheWait();
        }

        RequestWork();
    }

    /// <summary>
    /// One micro-batch: bring the caches into line, run the layers, hand over, then draft or judge. Returns the number
    /// of completed candidates; 0 for a prompt chunk and for work that died or could not be placed.
    /// </summary>
    private int Process(WorkItem received)
    {
        ReturnCredit(received.Batch.Number);
        if (IsDead(received.Batch) || BatchCut.WithoutDead(received, Board) is not { } living)
        {
            _meter.Cancel();
            return 0;
        }

        if (_sessions.Place(living) is not { } item)
        {
            return 0;
        }

        var batch = item.Batch;
        _current = batch;
        var drafts = _heads.MustRunExitHead(batch, IsLast);
        if (!_runtime.Forward(item.Hidden.Memory, _isCurrentDead, drafts ? _heads.RequestFor(batch) : null, _post))
        {
            _meter.Cancel();
            return 0;
        }

        if (!IsLast)
        {
            // The next stage starts now; this stage's exit head runs meanwhile.
            var hidden = HiddenStates.Rent(batch.Count * _runtime.Description.HiddenSize * sizeof(float));
            _runtime.ReadHidden(hidden.Target);
            _outbox.Add(new WorkItem(batch, hidden));
            Send();
        }

        // The last stage drafts before it judges: a candidate's drafts must not come after its verdict.
        if (drafts && !IsDead(batch))
        {
            Draft(batch);
        }

        if (IsLast)
        {
            Judge(batch);
        }

        return batch.FirstHeadRow == 0 ? batch.Count : 0;
    }

    /// <summary>
    /// Work that should overlap with the device, because doing it between steps would delay the next one.
    /// </summary>
    private void UseTheWait()
    {
        if (_loop.AwaitsDevice)
        {
            _loop.NoteDevice(_runtime.Figures.DeviceMs);
        }

        Post();
    }

    private void Draft(MicroBatch batch)
    {
        _meter.MarkWork();
        foreach (var drafts in _heads.Draft(batch))
        {
            SendDrafts(drafts);
        }

        _meter.MarkHeads();
    }

    private void Judge(MicroBatch batch)
    {
        if (batch.FirstHeadRow == batch.Count)
        {
            return;
        }

        _meter.MarkWork();
        var verdicts = _heads.Judge(batch);
        _meter.MarkHeads();
        Links.Tell(0, verdicts);
    }

    private void ReturnCredit(BatchNumber number)
    {
        if (Index.Value > 0)
        {
            Links.Tell(Index.Value - 1, new Credit(number));
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

        while (_outbox.TakeNext(Board) is { } item)
        {
            _linkBytes += item.Hidden.Length;
            Links.Tell(Index.Value + 1, new Forward(item.Batch, item.Hidden));
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
        _sessions.Release(end.Session);
        DropDeadWork();
        Sender.Tell(new SessionReleased(end.Session, Index));
    }

    private void ReleaseAll()
    {
        _sessions.ReleaseAll();
        _queue.Clear();
        _outbox.Clear();
    }

    private void NoteGap(BatchPart part) => DraftStage.Tell(new GapSeen(part.Session, part.Run));

    private void Fault(SessionId session, string reason)
    {
        Log.Warning("{0}: {1}", session, reason);
        DraftStage.Tell(new StageFault(session, Index, reason));
    }

    private void Report()
    {
        Sender.Tell(Status());

        // Reports the previous round trip and starts a new probe, so the reply does not wait for the link.
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
            OpenSessions = _sessions.Count,
            UsedPages = _runtime.Description.PageCount - _runtime.FreePages,
            BusyMs = _meter.BusyMs,
            DecodeMs = _meter.DecodeMs,
            DecodeHeadsMs = _meter.DecodeHeadsMs,
            DecodeSteps = _meter.DecodeSteps,
            DecodeRows = _meter.DecodeRows,
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
            RefusedMessages = WireRefusals.Of(Context.System).Count,
            UpMs = _meter.UpMs,
            LinkBytes = _linkBytes,
            LinkRoundTripMs = Pipeline is null || IsLast ? null : Mailbox.Link.RoundTripMs,
        };
    }

    /// <summary>Note to self: pick a micro-batch and work on it.</summary>
    private sealed class Work
    {
        public static Work Instance { get; } = new();
    }
}
