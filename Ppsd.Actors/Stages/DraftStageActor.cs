using Akka.Actor;
using Akka.Event;
using Ppsd.Actors.Ids;
using Ppsd.Actors.Messages;
using Ppsd.Actors.Sessions;
using Ppsd.Actors.Speculation;

namespace Ppsd.Actors.Stages;

/// <summary>
/// The first stage, where sessions live and the draft loop turns: a session's next micro-batch is decided on this
/// thread, right before it runs, from the newest drafts and verdicts, and nothing waits for another actor. What is
/// decided is <see cref="DecodeSession"/>'s business; this actor carries it out.
/// </summary>
internal sealed class DraftStageActor : StageActor, IWithTimers
{
    private readonly Dictionary<SessionId, LiveSession> _sessions = [];

    /// <summary>Ended everywhere, but their clients have yet to read some of their tokens.</summary>
    private readonly Dictionary<SessionId, LiveSession> _unread = [];
    private readonly List<LiveSession> _news = [];
    private readonly Dictionary<SessionId, HashSet<int>> _releasing = [];
    private readonly Queue<(StartSession Request, IActorRef Client)> _waiting = [];
    private readonly SessionCounters _counters = new();
    private SessionAdmission? _admission;
    private StepComposer? _composer;
    private long _batchNumber;
    private MicroBatch? _lookedAt;
    private int _arrivalsSeen;
    private int _sessionNumber;

    public DraftStageActor(StageSetup setup)
        : base(setup)
    {
        Receive<StartSession>(start => Start(start, Sender));
        Receive<StopSession>(stop => End(stop.Session, FinishReason.Cancelled));
        Receive<TokenCredit>(NoteRead);
        Receive<Drafts>(TakeOthersDrafts);
        Receive<Verdicts>(TakeVerdicts);
        Receive<GapSeen>(RestartAfterGap);
        Receive<SessionReleased>(NoteReleased);
        Receive<StageFault>(fault => Fail(fault.Session, fault.Reason));
        Receive<Housekeeping>(_ => KeepHouse());
    }

    public ITimerScheduler Timers { get; set; } = null!;

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
            FailAll("the pipeline was formed anew");
            _admission = new SessionAdmission(formed, Options);
            _composer = new StepComposer(_admission.StepLimits);
        }
    }

    protected override void StageLost(Terminated lost)
    {
        if (Pipeline?.Stages.Any(stage => stage.Actor.Equals(lost.ActorRef)) != true)
        {
            EndSessionsOf(lost.ActorRef);
            return;
        }

        var number = Array.FindIndex(Pipeline.Stages, stage => stage.Actor.Equals(lost.ActorRef)) + 1;
        Log.Info("stage {0} of the pipeline is gone", number);
        FailAll($"stage {number} of the pipeline is gone ({lost.ActorRef.Path.Address})");

        // The other stages still hold these sessions' pages, and learn of the loss in their own time.
        base.StageLost(lost);
        _admission = null;
    }

    protected override WorkItem? NextWork()
    {
        if (_composer?.Next() is not { } parts)
        {
            return null;
        }

        foreach (var part in parts)
        {
            var session = _sessions[part.Session];
            session.NoteEntry(part);
            _news.Add(session);
        }

        return new WorkItem(new MicroBatch(new BatchNumber(_batchNumber++), parts), HiddenStates.None);
    }

    /// <summary>A verdict that waits in the mailbox may already have killed the run; look before spending a layer on it.</summary>
    protected override bool IsDead(MicroBatch batch)
    {
        if (base.IsDead(batch))
        {
            return true;
        }

        // Of several sessions one nearly always lives on.
        if (
            batch.Parts is not [var part]
            || !HasNewVerdicts(batch)
            || !_sessions.TryGetValue(part.Session, out var session)
        )
        {
            return false;
        }

        foreach (var verdicts in Mailbox.WaitingVerdicts)
        {
            foreach (var own in verdicts.Sessions)
            {
                if (own.Session == part.Session && session.Decode.WillDie(own.Run, own.Candidates, own.Tokens))
                {
                    return true;
                }
            }
        }

        return false;
    }

    /// <summary>True when verdicts have arrived since this was last asked about a micro-batch: a device at work asks all the time.</summary>
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

    /// <summary>Clients hear of tokens and drafts while the device works: the next step must not wait for them.</summary>
    protected override void Post()
    {
        foreach (var session in _news)
        {
            session.SendNews();
        }

        _news.Clear();
    }

    /// <summary>The usual case, an exit head in stage 1: the draft is the next candidate at once.</summary>
    protected override void SendDrafts(Drafts drafts) => TakeDrafts(drafts);

    protected override StageStatus Status() =>
        base.Status() with
        {
            Sessions = _counters.Totals(
                [.. _sessions.Values.Select(session => session.Decode)],
                _unread.Count,
                _waiting.Count
            ),
        };

    private void Start(StartSession request, IActorRef client)
    {
        if (IsKnown(client))
        {
            return;
        }

        if (_admission is null)
        {
            client.Tell(new SessionRefused(RefusalKind.Unavailable, "the pipeline is not formed yet"));
            return;
        }

        if (_admission.Refusal(request) is { } reason)
        {
            client.Tell(new SessionRefused(RefusalKind.BadRequest, reason));
            return;
        }

        if (_waiting.Count > 0 || !TryStart(request, client))
        {
            Wait(request, client);
        }
    }

    /// <summary>A client has one session: one that asks again has not heard the answer yet, and is told it once more.</summary>
    private bool IsKnown(IActorRef client)
    {
        if (SessionsOf(client).FirstOrDefault() is { } session)
        {
            client.Tell(new SessionStarted(session.Decode.Id));
            return true;
        }

        return _waiting.Any(entry => entry.Client.Equals(client));
    }

    private void Wait(StartSession request, IActorRef client)
    {
        if (_waiting.Count >= Options.MaxWaitingSessions)
        {
            client.Tell(
                new SessionRefused(
                    RefusalKind.Unavailable,
                    $"{_waiting.Count} requests wait for KV memory already; try again later"
                )
            );
            return;
        }

        Context.Watch(client);
        _waiting.Enqueue((request, client));
        client.Tell(new SessionQueued(_waiting.Count));
    }

    private bool TryStart(StartSession request, IActorRef client)
    {
        var id = SessionId.Create(Pipeline!.Epoch, _sessionNumber);
        if (!_admission!.TryReserve(id, request))
        {
            return false;
        }

        _sessionNumber++;
        var settings = new SessionSettings
        {
            Mode = request.Mode,
            Sampling = request.Sampling,
            MaxWidth = request.MaxWidth,
            ReservedLength = _admission.ReservedLength(request),
            PromptLength = request.Prompt.Length,
            TopLogprobs = request.TopLogprobs,
            TraceParent = request.TraceParent,
        };
        var decode = new DecodeSession(
            id,
            request.Prompt,
            settings,
            new GenerationLimits(request.MaxTokens, request.EndTokens),
            new SpeculationLimits(
                Options.WindowFor(Pipeline.Stages.Length),
                request.MaxWidth,
                _admission.PrefillChunk,
                Options.MinAcceptanceFor(Pipeline.Stages.Length)
            )
        );
        _sessions.Add(id, new LiveSession(decode, client, request, Clock));
        _composer!.Add(decode);
        Context.Watch(client);
        client.Tell(new SessionStarted(id));
        RequestWork();
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

        TakeDrafts(drafts);
    }

    private void TakeDrafts(Drafts drafts)
    {
        if (_sessions.TryGetValue(drafts.Session, out var session))
        {
            session.Decode.AddDrafts(drafts.Run, drafts.Tokens);
            RequestWork();
        }
    }

    private void TakeVerdicts(Verdicts verdicts)
    {
        foreach (var own in verdicts.Sessions)
        {
            TakeVerdicts(own, verdicts.ArrivedAt);
        }

        RequestWork();
    }

    private void TakeVerdicts(SessionVerdicts verdicts, long arrivedAt)
    {
        if (Intake.RefusalOfVerdicts(verdicts.Tokens) is { } misfit)
        {
            Refuse("verdicts", misfit);
            return;
        }

        if (!_sessions.TryGetValue(verdicts.Session, out var session))
        {
            return;
        }

        var outcome = session.Decode.Apply(verdicts.Run, verdicts.Candidates, verdicts.Tokens);
        if (outcome.RunRejected)
        {
            Loop.Reject(verdicts.Session, arrivedAt);
        }

        if (outcome.Emitted.Count > 0)
        {
            session.NoteTokens(outcome, verdicts.Logprobs);
        }

        _news.Add(session);

        if (outcome.HasNoToken)
        {
            Fail(
                verdicts.Session,
                $"stage {Pipeline!.Stages.Length}: the model's logits are not finite (NaN or infinity): its weights hold such values, "
                    + "or a device computes wrongly"
            );
            return;
        }

        if (outcome.Finish is { } reason)
        {
            End(verdicts.Session, reason);
            return;
        }

        if (outcome.HasGap)
        {
            Restart(session);
        }
        else if (outcome.RunRejected || outcome.DeadBranch.Count > 0)
        {
            Broadcast(new Cancel(verdicts.Session, session.Decode.Run, [.. outcome.DeadBranch]));
        }
    }

    private void RestartAfterGap(GapSeen gap)
    {
        if (_sessions.TryGetValue(gap.Session, out var session) && session.Decode.Run == gap.Run)
        {
            Restart(session);
        }
    }

    private void Restart(LiveSession session)
    {
        session.Decode.Restart();
        Broadcast(new Cancel(session.Decode.Id, session.Decode.Run, []));
        RequestWork();
    }

    private void End(SessionId id, FinishReason reason)
    {
        if (Forget(id) is not { } session)
        {
            return;
        }

        if (session.TryEnd(reason, Pipeline!.Stages.Length))
        {
            Unwatch(session.Client);
        }
        else
        {
            _unread.Add(id, session);
        }
    }

    private void Fail(SessionId id, string reason)
    {
        if (Forget(id) is { } session)
        {
            session.SendNews();
            session.Client.Tell(new SessionFailed(id, reason));
            Unwatch(session.Client);
        }
    }

    private void NoteRead(TokenCredit credit)
    {
        if (_sessions.TryGetValue(credit.Session, out var session))
        {
            session.NoteRead(credit.Count);
        }
        else if (_unread.TryGetValue(credit.Session, out session) && session.NoteRead(credit.Count))
        {
            _unread.Remove(credit.Session);
            Unwatch(session.Client);
        }
    }

    /// <summary>Takes a session out of the pipeline.</summary>
    private LiveSession? Forget(SessionId id)
    {
        if (!_sessions.Remove(id, out var session))
        {
            return null;
        }

        _composer!.Remove(session.Decode);
        session.Decode.Finish();
        _counters.Close(session.Decode);
        _releasing.Add(id, [.. Enumerable.Range(0, Pipeline!.Stages.Length)]);
        Broadcast(new EndSession(id));
        return session;
    }

    private void Unwatch(IActorRef client)
    {
        if (!SessionsOf(client).Any())
        {
            Context.Unwatch(client);
        }
    }

    private IEnumerable<LiveSession> SessionsOf(IActorRef client) =>
        _sessions.Values.Concat(_unread.Values).Where(session => session.Client.Equals(client));

    private void EndSessionsOf(IActorRef client)
    {
        foreach (var session in SessionsOf(client).ToList())
        {
            Forget(session.Decode.Id);
            _unread.Remove(session.Decode.Id);
        }

        for (var i = _waiting.Count; i > 0; i--)
        {
            var entry = _waiting.Dequeue();
            if (!entry.Client.Equals(client))
            {
                _waiting.Enqueue(entry);
            }
        }
    }

    private void FailAll(string reason)
    {
        foreach (var id in _sessions.Keys.ToList())
        {
            Fail(id, reason);
        }

        while (_waiting.TryDequeue(out var entry))
        {
            entry.Client.Tell(new SessionRefused(RefusalKind.Unavailable, reason));
        }

        _releasing.Clear();
    }

    private void NoteReleased(SessionReleased released)
    {
        if (!_releasing.TryGetValue(released.Session, out var stages))
        {
            return;
        }

        stages.Remove(released.Stage.Value);
        if (stages.Count > 0)
        {
            return;
        }

        _releasing.Remove(released.Session);
        _admission?.Release(released.Session);
        while (_waiting.TryPeek(out var next) && TryStart(next.Request, next.Client))
        {
            _waiting.Dequeue();
        }
    }

    private void KeepHouse()
    {
        foreach (var (id, stages) in _releasing)
        {
            foreach (var stage in stages)
            {
                Pipeline!.Stages[stage].Actor.Tell(new EndSession(id));
            }
        }

        foreach (var session in _sessions.Values)
        {
            if (session.HasStalled(Options.StallTimeout))
            {
                Log.Warning("{0}: nothing came back, starting a new run", session.Decode.Id);
                Restart(session);
            }
        }
    }

    private void Broadcast(object message)
    {
        for (var stage = 0; stage < Pipeline!.Stages.Length; stage++)
        {
            Links.Tell(stage, message);
        }
    }

    /// <summary>Note to self: look for stalls and unanswered ends.</summary>
    private sealed class Housekeeping
    {
        public static Housekeeping Instance { get; } = new();
    }
}
