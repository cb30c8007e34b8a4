using Akka.Actor;
using Akka.Event;
using Ppsd.Actors.Ids;
using Ppsd.Actors.Links;
using Ppsd.Actors.Mailboxes;
using Ppsd.Actors.Messages;
using Ppsd.Actors.Messages.Wire;
using Ppsd.Actors.Sessions;
using Ppsd.Actors.Speculation;

namespace Ppsd.Actors.Stages;

/// <summary>
/// One stage of the pipeline: takes work from its <see cref="IWorkSource"/> (the draft loop at the first stage, the
/// micro-batches of the stage before at the others), has its <see cref="StageWorker"/> do it, and sends hidden states to the
/// next stage and what comes of the work to its <see cref="IVerdictSink"/>. Runs on its own thread
/// (<c>ppsd.stage-dispatcher</c>) with a <see cref="StageMailbox"/>; device work never touches the thread pool, which
/// remoting and heartbeats share.
/// </summary>
internal sealed class StageActor : HandlerActor, IWithTimers, IStagePort, IDraftLoopPort
{
    /// <summary>Questions of a pipeline that is not known here yet; more are asked again.</summary>
    private const int MostEarly = 1024;

    private readonly StageSetup _setup;
    private readonly CreditWindow _outbox;
    private readonly DraftLoopMeter _cycles;
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly Action _useTheWait;
    private readonly Action<WorkItem> _handOver;
    private readonly Func<bool> _hasMessages;
    private readonly Func<ISessionClient> _sender;
    private readonly Queue<IEnumerator<WorkItem>> _replays = [];
    private readonly List<FindKept> _early = [];
    private StageMessageQueue _mailbox = null!;
    private IStageRuntime _runtime = null!;
    private StageLinks _links = null!;
    private StageWorker _worker = null!;
    private IWorkSource _source = null!;
    private PipelineFormed? _pipeline;
    private BusyWait? _busyWait;
    private bool _workRequested;
    private double _loadMs;
    private long _allocatedBefore;
    private long _linkBytes;

    public StageActor(StageSetup setup)
    {
        _setup = setup;
        _outbox = new CreditWindow(setup.Options.CreditWindow);
        _cycles = new DraftLoopMeter(setup.Clock);
        _useTheWait = UseTheWait;
        _handOver = HandOver;
        _hasMessages = () => _mailbox.HasMessages || _links.TryTake();
        _sender = () => new Client(Sender);

        Receive<PipelineFormed>(Join);
        Receive<Work>(_ => WorkOnce());
        Receive<Credit>(SendOn);
        Receive<Cancel>(_ => DropDeadWork());
        Receive<EndSession>(Release);
        Receive<FindKept>(Answer);
        Receive<DropUnclaimed>(drop => _worker.DropUnclaimed(drop.Pipeline));
        Receive<GetStageStatus>(_ => Report());
        Receive<Terminated>(Lose);
        Receive<Housekeeping>(_ => _source.KeepHouse());
        ReceiveAny(TakeForSource);
    }

    public ITimerScheduler Timers { get; set; } = null!;

    private double NowMs => _setup.Clock.GetElapsedTime(0).TotalMilliseconds;

    private bool IsFirst => _setup.Index.Value == 0;

    private bool IsLast => _setup.Index.Value == _pipeline!.Stages.Length - 1;

    protected override void PreStart()
    {
        _mailbox =
            ((ActorCell)Context).Mailbox?.MessageQueue as StageMessageQueue
            ?? throw new InvalidOperationException("a stage actor needs the mailbox ppsd.stage-mailbox");
        try
        {
            _mailbox.Clock = _setup.Clock;
            var started = _setup.Clock.GetTimestamp();
            _runtime = _setup.CreateRuntime();
            _outbox.StepMs = _runtime.Description.RowCosts.StepMs;
            _loadMs = _setup.Clock.GetElapsedTime(started).TotalMilliseconds;
            _allocatedBefore = GC.GetAllocatedBytesForCurrentThread();
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            _log.Debug("stage {0} could not be loaded: {1}", _setup.Index.Number, e);
            _setup.Host.Tell(new StageFailed(_setup.Index, e.Message));
            Context.Stop(Self);
            return;
        }

        _links = StageLinks.Open(Context.System, Self, _setup.Options.DirectLinks, _setup.Options.LinkDelay);
        Assemble();
        _setup.Host.Tell(new StageReady(_setup.Index, new PipelineStage(Self, _runtime.Description, _links.Endpoint)));
    }

    protected override void PostStop()
    {
        _links?.Dispose();
        _runtime?.Dispose();
    }

    /// <summary>The thread is the stage's own, so it may look for the next message here.</summary>
    protected override bool AroundReceive(Receive receive, object message)
    {
        var isHandled = base.AroundReceive(receive, message);
        _busyWait?.Look(_hasMessages);
        return isHandled;
    }

    /// <summary>Asks for <see cref="WorkOnce"/> behind all messages that have arrived, so that each pick sees them.</summary>
    public void RequestWork()
    {
        if (!_workRequested)
        {
            _workRequested = true;
            Self.Tell(Work.Instance);
        }
    }

    void IStagePort.Refuse(string message, string reason)
    {
        WireRefusals.Of(Context.System).Add();
        _log.Warning("stage {0} refused {1}: {2}", _setup.Index.Number, message, reason);
    }

    void IDraftLoopPort.SendToStages(IWireMessage message)
    {
        for (var stage = 0; stage < _pipeline!.Stages.Length; stage++)
        {
            _links.Tell(stage, message);
        }
    }

    void IDraftLoopPort.SendAgain(StageIndex stage, EndSession message) =>
        _pipeline!.Stages[stage.Value].Actor.Tell(message);

    void IDraftLoopPort.Watch(ISessionClient client) => Context.Watch(((Client)client).Actor);

    void IDraftLoopPort.Unwatch(ISessionClient client) => Context.Unwatch(((Client)client).Actor);

    DraftedToken[] IDraftLoopPort.DraftBehind(SessionId session, WaitingToken waiting) =>
        _worker.DraftBehind(session, waiting);

    void IDraftLoopPort.NoteRejection(SessionId session, long arrivedAt) => _cycles.Reject(session, arrivedAt);

    void IDraftLoopPort.NoteStall(SessionId session) =>
        _log.Warning("{0}: nothing came back, starting a new run", session);

    /// <summary>Chooses the source and the sink by the stage's place: sessions live at the first.</summary>
    private void Assemble()
    {
        var intake = new StageIntake(_setup.Index, _runtime.Description);
        DraftLoop? loop = null;
        if (IsFirst)
        {
            loop = new DraftLoop(this, _setup.Options, _setup.Clock);
            _source = new DraftLoopSource(loop, intake, _mailbox.Board, _mailbox, this);
            Timers.StartPeriodicTimer(
                Housekeeping.Instance,
                Housekeeping.Instance,
                _setup.Options.HousekeepingInterval
            );
        }
        else
        {
            _source = new QueueSource(intake, _mailbox.Board, this);
        }

        var sink = new DraftStageSink(_links, loop, _log);
        _worker = new StageWorker(
            _setup.Index,
            _runtime,
            _mailbox.Board,
            _source.IsDead,
            sink,
            _setup.Clock,
            _setup.Options.ReplayMemory
        );
    }

    private void TakeForSource(object message)
    {
        if (!_source.TryTake(message, _sender))
        {
            Unhandled(message);
        }
    }

    /// <summary>The pipeline was formed or re-formed; of an earlier one the stage keeps what sessions may go on with.</summary>
    private void Join(PipelineFormed formed)
    {
        if (_pipeline is { } known)
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

        Park();
        _pipeline = formed;
        _worker.ReplayChunk = Math.Min(
            _setup.Options.PrefillChunk,
            formed.Stages.Min(stage => stage.Description.MaxRows)
        );
        _busyWait = _runtime.RunsOnDevice
            ? new BusyWait(_setup.Clock, _setup.Options.BusyWaitOf(formed.Stages.Length, Environment.ProcessorCount))
            : null;
        _links.Connect(formed.Stages, _setup.Index);
        foreach (var stage in formed.Stages)
        {
            if (!stage.Actor.Equals(Self))
            {
                Context.Watch(stage.Actor);
            }
        }

        ProbeLink();
        _source.Open(formed);
        _early.ForEach(Answer);
        _early.Clear();
        if (_worker.ParkedSessions > 0)
        {
            var drop = new DropUnclaimed(formed.Epoch);
            Timers.StartSingleTimer(nameof(DropUnclaimed), drop, _setup.Options.ReplayPatience);
        }
    }

    /// <summary>Says what is kept of a text. The draft stage may know of the pipeline before this one does.</summary>
    private void Answer(FindKept find)
    {
        if (find.Session.Epoch == _pipeline?.Epoch)
        {
            _links.Tell(0, _worker.Find(find));
        }
        else if (find.Session.Epoch.Value > (_pipeline?.Epoch.Value ?? 0) && _early.Count < MostEarly)
        {
            _early.Add(find);
        }
    }

    /// <summary>A client is gone, or a stage of the pipeline and with it every session's cache.</summary>
    private void Lose(Terminated lost)
    {
        var stage = Array.FindIndex(_pipeline?.Stages ?? [], member => member.Actor.Equals(lost.ActorRef));
        if (stage < 0)
        {
            _source.LoseClient(new Client(lost.ActorRef));
            return;
        }

        if (IsFirst)
        {
            _log.Info("stage {0} of the pipeline is gone", stage + 1);
        }

        // The source first: it ends sessions at the other stages, which learn of the loss in their own time.
        _source.Close($"stage {stage + 1} of the pipeline is gone ({lost.ActorRef.Path.Address})");
        Park();
        _pipeline = null;
    }

    private void WorkOnce()
    {
        _workRequested = false;

        // Hidden states that cannot be sent yet would pile up here; the next credit requests work again.
        if (_pipeline is null || _outbox.WaitingCount > 0 || _replays.Count > 0 || _source.Next() is not { } item)
        {
            _cycles.Wait();
            _source.UseTheWait();
            return;
        }

        _cycles.Begin(item.Batch);
        var completedRows = 0;
        try
        {
            ReturnCredit(item.Batch.Number);
            completedRows = _worker.Run(item, IsLast, _handOver, _useTheWait);
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            _log.Debug("stage {0}: a step failed: {1}", _setup.Index.Number, e);
            if (!_worker.TryRecover(item.Batch, e))
            {
                // The device cannot recover; the host decides what happens to the stage.
                throw;
            }
        }
        finally
        {
            _cycles.End(completedRows > 0);
            _busyWait?.NoteWork();

            // If the step failed before it was queued, this has not been done yet.
            UseTheWait();
        }

        RequestWork();
    }

    /// <summary>
    /// Work that should overlap with the device, because doing it between steps would delay the next one.
    /// </summary>
    private void UseTheWait()
    {
        if (_cycles.AwaitsDevice)
        {
            _cycles.NoteDevice(_runtime.Figures.DeviceMs);
        }

        _source.UseTheWait();
    }

    private void ReturnCredit(BatchNumber number)
    {
        if (!IsFirst)
        {
            _links.Tell(_setup.Index.Value - 1, new Credit(number));
        }
    }

    private void HandOver(WorkItem item)
    {
        if (item.Before is { } before)
        {
            _replays.Enqueue(before.Append(item).GetEnumerator());
        }
        else
        {
            _outbox.Add(item);
        }

        Send();
    }

    private void SendOn(Credit credit)
    {
        _outbox.Return(credit.Number, NowMs);
        Send();
    }

    private void Send()
    {
        if (_pipeline is null)
        {
            return;
        }

        while (true)
        {
            if (_outbox.TakeNext(_mailbox.Board, NowMs) is { } item)
            {
                _linkBytes += item.Hidden.Length;
                var batch = item.Batch with { StageMs = item.Batch.StageMsAt(_setup.Clock) };
                _links.Tell(_setup.Index.Value + 1, new Forward(batch, item.Hidden));
            }
            else if (_outbox.WaitingCount > 0 || !TryReplay())
            {
                break;
            }
        }

        RequestWork();
    }

    /// <summary>Puts the next micro-batch of a replay into the outbox: one at a time, each in memory of its own.</summary>
    private bool TryReplay()
    {
        while (_replays.TryPeek(out var replay))
        {
            if (replay.MoveNext())
            {
                _outbox.Add(replay.Current);
                return true;
            }

            _replays.Dequeue().Dispose();
        }

        return false;
    }

    private void DropDeadWork()
    {
        _worker.Meter.Cancel(_source.DropDead());
        _outbox.DropDead(_mailbox.Board);
        Send();
    }

    private void Release(EndSession end)
    {
        _worker.Release(end.Session);
        DropDeadWork();
        Sender.Tell(new SessionReleased(end.Session, _setup.Index));
    }

    private void Park()
    {
        _worker.Park();
        _outbox.Clear();
        _replays.Clear();
    }

    private void Report()
    {
        Sender.Tell(Status());

        // Reports the previous round trip and starts a new probe, so the reply does not wait for the link.
        ProbeLink();
    }

    private void ProbeLink()
    {
        if (_pipeline is not null && !IsLast)
        {
            _pipeline.Stages[_setup.Index.Value + 1].Actor.Tell(LinkMeter.Probe());
        }
    }

    private StageStatus Status()
    {
        var figures = _runtime.Figures;
        var meter = _worker.Meter;
        return new()
        {
            Stage = _setup.Index,
            Description = _runtime.Description,
            OpenSessions = _worker.OpenSessions,
            UsedPages = _runtime.Description.PageCount - _runtime.FreePages,
            BusyMs = meter.BusyMs,
            DecodeMs = meter.DecodeMs,
            DecodeHeadsMs = meter.DecodeHeadsMs,
            DecodeSteps = meter.DecodeSteps,
            DecodeRows = meter.DecodeRows,
            CancelledSteps = meter.CancelledSteps,
            QueueLength = _source.Count,
            DeviceMs = figures.DeviceMs,
            DeviceAllocatedBytes = figures.AllocatedBytes,
            ProtocolAllocatedBytes = GC.GetAllocatedBytesForCurrentThread() - _allocatedBefore - figures.AllocatedBytes,
            HostMemoryBytes = ProcessMemory.AnonymousBytes(),
            LoadMs = _loadMs,
            CycleMs = _cycles.CycleMs,
            CycleDeviceMs = _cycles.CycleDeviceMs,
            Cycles = _cycles.Cycles,
            RejectionMs = _cycles.RejectionMs,
            Rejections = _cycles.Rejections,
            RefusedMessages = WireRefusals.Of(Context.System).Count,
            UpMs = meter.UpMs,
            LinkBytes = _linkBytes,
            ComputedRows = _worker.ComputedRows,
            SentRowBytes = _worker.SentRowBytes,
            LinkRoundTripMs = _pipeline is null || IsLast ? null : _mailbox.Link.RoundTripMs,
            Sessions = _source.Sessions,
        };
    }

    private sealed record Client(IActorRef Actor) : ISessionClient
    {
        public void Tell(IWireMessage message) => Actor.Tell(message);
    }

    /// <summary>Note to self: pick a micro-batch and work on it.</summary>
    private sealed class Work
    {
        public static Work Instance { get; } = new();
    }

    /// <summary>Note to self: whoever goes on with a text on this pipeline has asked for what is kept of it.</summary>
    private sealed record DropUnclaimed(PipelineEpoch Pipeline);

    /// <summary>Note to self: look for stalls and unanswered ends.</summary>
    private sealed class Housekeeping
    {
        public static Housekeeping Instance { get; } = new();
    }
}
