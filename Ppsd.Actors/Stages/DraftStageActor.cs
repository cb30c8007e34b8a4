using Akka.Actor;
using Akka.Event;
using Ppsd.Actors.Ids;
using Ppsd.Actors.Messages;
using Ppsd.Actors.Sessions;

namespace Ppsd.Actors.Stages;

/// <summary>
/// The first stage, in which the <see cref="DraftLoop"/> turns: its work comes from the loop, and drafts, verdicts and
/// clients' messages go to it, on the stage's own thread.
/// </summary>
internal sealed class DraftStageActor : StageActor, IWithTimers, IDraftLoopPort
{
    private readonly DraftLoop _loop;
    private MicroBatch? _lookedAt;
    private int _arrivalsSeen;

    public DraftStageActor(StageSetup setup)
        : base(setup)
    {
        _loop = new DraftLoop(this, setup.Options, setup.Clock);
        Receive<StartSession>(start => _loop.Start(start, new Client(Sender)));
        Receive<StopSession>(stop => _loop.Stop(stop.Session));
        Receive<TokenCredit>(_loop.NoteRead);
        Receive<Drafts>(TakeOthersDrafts);
        Receive<Verdicts>(TakeVerdicts);
        Receive<GapSeen>(_loop.TakeGap);
        Receive<SessionReleased>(_loop.NoteReleased);
        Receive<StageFault>(fault => _loop.Fail(fault.Session, fault.Reason, isFault: true));
        Receive<Housekeeping>(_ => _loop.KeepHouse());
    }

    public ITimerScheduler Timers { get; set; } = null!;

    void IDraftLoopPort.SendToStages(IWireMessage message)
    {
        for (var stage = 0; stage < Pipeline!.Stages.Length; stage++)
        {
            Links.Tell(stage, message);
        }
    }

    void IDraftLoopPort.SendAgain(StageIndex stage, EndSession message) =>
        Pipeline!.Stages[stage.Value].Actor.Tell(message);

    void IDraftLoopPort.Watch(ISessionClient client) => Context.Watch(((Client)client).Actor);

    void IDraftLoopPort.Unwatch(ISessionClient client) => Context.Unwatch(((Client)client).Actor);

    void IDraftLoopPort.RequestWork() => RequestWork();

    void IDraftLoopPort.NoteRejection(SessionId session, long arrivedAt) => Loop.Reject(session, arrivedAt);

    void IDraftLoopPort.NoteStall(SessionId session) =>
        Log.Warning("{0}: nothing came back, starting a new run", session);

    protected override void PreStart()
    {
        base.PreStart();
        Timers.StartPeriodicTimer(Housekeeping.Instance, Housekeeping.Instance, Options.HousekeepingInterval);
    }

    protected override void Join(PipelineFormed formed)
    {
        var before = Pipeline;
        base.Join(formed);
        if (!ReferenceEquals(before, Pipeline))
        {
            _loop.Open(formed);
        }
    }

    protected override void StageLost(Terminated lost)
    {
        var stage = Array.FindIndex(Pipeline?.Stages ?? [], member => member.Actor.Equals(lost.ActorRef));
        if (stage < 0)
        {
            _loop.LoseClient(new Client(lost.ActorRef));
            return;
        }

        Log.Info("stage {0} of the pipeline is gone", stage + 1);
        _loop.Close($"stage {stage + 1} of the pipeline is gone ({lost.ActorRef.Path.Address})");

        // The other stages still hold these sessions' pages, and learn of the loss in their own time.
        base.StageLost(lost);
    }

    protected override WorkItem? NextWork() =>
        _loop.Next() is { } batch ? new WorkItem(batch, HiddenStates.None) : null;

    /// <summary>A verdict that waits in the mailbox may already have killed the run; look before spending a layer on it.</summary>
    protected override bool IsDead(MicroBatch batch) =>
        base.IsDead(batch) || (HasNewVerdicts(batch) && _loop.WillDie(batch, Mailbox.WaitingVerdicts));

    /// <summary>Clients hear of tokens and drafts while the device works: the next step must not wait for them.</summary>
    protected override void Post() => _loop.SendNews();

    /// <summary>The usual case, an exit head in stage 1: the draft is the next candidate at once.</summary>
    protected override void SendDrafts(Drafts drafts) => _loop.TakeDrafts(drafts);

    protected override StageStatus Status() => base.Status() with { Sessions = _loop.Totals };

    /// <summary>
    /// True when verdicts have arrived since the last check for this micro-batch; it is checked continually while the
    /// device works.
    /// </summary>
    private bool HasNewVerdicts(MicroBatch batch)
    {
        var arrivals = Mailbox.VerdictArrivals;
        if (ReferenceEquals(_lookedAt, batch) && _arrivalsSeen == arrivals)
        {
            return false;
        }

        (_lookedAt, _arrivalsSeen) = (batch, arrivals);
        return true;
    }

    /// <summary>Of an exit head in a later stage.</summary>
    private void TakeOthersDrafts(Drafts drafts)
    {
        if (Intake.Refusal([.. drafts.Tokens.Select(draft => draft.Token)]) is { } reason)
        {
            Refuse("drafts", reason);
            return;
        }

        _loop.TakeDrafts(drafts);
    }

    private void TakeVerdicts(Verdicts verdicts)
    {
        foreach (var own in verdicts.Sessions)
        {
            if (Intake.RefusalOfVerdicts(own.Tokens) is { } misfit)
            {
                Refuse("verdicts", misfit);
            }
            else
            {
                _loop.TakeVerdicts(own, verdicts.ArrivedAt);
            }
        }

        RequestWork();
    }

    private sealed record Client(IActorRef Actor) : ISessionClient
    {
        public void Tell(IWireMessage message) => Actor.Tell(message);
    }

    /// <summary>Note to self: look for stalls and unanswered ends.</summary>
    private sealed class Housekeeping
    {
        public static Housekeeping Instance { get; } = new();
    }
}
