using Ppsd.Actors.Ids;
using Ppsd.Actors.Messages;
using Ppsd.Actors.Options;
using Ppsd.Actors.Speculation;

namespace Ppsd.Actors.Sessions;

/// <summary>
/// The draft loop: a session's next micro-batch is decided right before it runs, from the newest drafts and verdicts,
/// and nothing waits for another thread. Holds the sessions of a pipeline from their request to their last token; <see
/// cref="DecodeSession"/> decodes each of them. Knows no actors and no devices; the draft stage's thread owns it.
/// </summary>
/// <param name="port">The stage that runs the loop.</param>
/// <param name="options">Settings of the protocol.</param>
internal sealed partial class DraftLoop(IDraftLoopPort port, PipelineOptions options, TimeProvider clock)
{
    private readonly Dictionary<SessionId, LiveSession> _sessions = [];

    /// <summary>Sessions that ended on all stages but whose clients have not read all tokens.</summary>
    private readonly Dictionary<SessionId, LiveSession> _unread = [];
    private readonly List<LiveSession> _news = [];
    private readonly List<LiveSession> _bare = [];
    private readonly ReleasingSessions _releasing = new();
    private readonly Queue<(StartSession Request, ISessionClient Client)> _waiting = [];
    private readonly SessionCounters _counters = new();
    private readonly DraftCalibration _greedy = new();
    private readonly DraftCalibration _sampled = new();
    private PipelineFormed? _pipeline;
    private string _arithmetic = "";
    private SessionAdmission? _admission;
    private StepComposer? _composer;
    private long _batchNumber;
    private int _sessionNumber;

    /// <summary>Figures of all sessions.</summary>
    public SessionTotals Totals =>
        _counters.Totals([.. _sessions.Values.Select(session => session.Decode)], _unread.Count, _waiting.Count) with
        {
            MaxTextLength = _admission?.MaxTextLength ?? 0,
        };

    private int StageCount => _pipeline!.Stages.Length;

    /// <summary>The pipeline was formed, or formed anew: sessions of an earlier one fail.</summary>
    public void Open(PipelineFormed pipeline)
    {
        FailAll(
            pipeline.Cause is { } cause ? $"{cause}; the pipeline was formed anew" : "the pipeline was formed anew"
        );
        _pipeline = pipeline;
        _admission = new SessionAdmission(pipeline, options);
        _arithmetic = _admission.Arithmetic;
        _composer = new StepComposer(_admission.StepLimits);
    }

    /// <summary>The pipeline is gone, and with it every session's cache.</summary>
    /// <param name="reason">One line for the users.</param>
    public void Close(string reason)
    {
        FailAll(reason);
        _admission = null;
    }

    /// <summary>The next micro-batch for stage 1; null for none.</summary>
    public MicroBatch? Next()
    {
        if (_admission is { } admission)
        {
            _composer!.MicroBatches = admission.Fill.MicroBatches;
        }

        DraftBehindBareTokens();
        if (_composer?.Next() is not { } parts)
        {
            return null;
        }

        var now = clock.GetTimestamp();
        foreach (var part in parts)
        {
            var session = _sessions[part.Session];
            session.NoteEntry(part);
            if (part.FirstHeadRow == 0 && part.Lacking is null)
            {
                _admission?.Fill.NoteEntry(part.Session, part.Candidates[0], MsOf(now));
            }

            _news.Add(session);
        }

        return new MicroBatch(new BatchNumber(_batchNumber++), parts) { ArrivedAt = now };
    }

    /// <summary>True when verdicts that have arrived but are not yet applied will kill a micro-batch.</summary>
    public bool WillDie(MicroBatch batch, IEnumerable<Verdicts> waiting)
    {
        // With several sessions at least one part nearly always survives, so the check would not pay.
        if (batch.Parts is not [var part] || !_sessions.TryGetValue(part.Session, out var session))
        {
            return false;
        }

        foreach (var verdicts in waiting)
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

    /// <summary>
    /// Sends clients new tokens and events. It never affects the next step, so it is called while the device is busy.
    /// </summary>
    public void SendNews()
    {
        foreach (var session in _news)
        {
            session.SendNews();
        }

        _news.Clear();
    }

    /// <summary>A client requests a session.</summary>
    public void Start(StartSession request, ISessionClient client)
    {
        if (IsKnown(client, request.Attempt))
        {
            return;
        }

        if (_admission is null)
        {
            client.Tell(new SessionRefused(RefusalKind.Unavailable, "the pipeline is not formed yet"));
            return;
        }

        request = _admission.Fit(request);
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

    /// <summary>A client ends its session before its time.</summary>
    public void Stop(SessionId session) => End(session, FinishReason.Cancelled);

    /// <summary>A session cannot go on.</summary>
    /// <param name="id">The session; an unknown one is ignored.</param>
    /// <param name="reason">One line for the user.</param>
    /// <param name="isFault">True when a stage failed to compute, false when one was lost.</param>
    public void Fail(SessionId id, string reason, bool isFault)
    {
        if (Forget(id) is { } session)
        {
            Tell(session, new SessionFailed(id, reason, isFault));
        }
    }

    /// <summary>A client has read tokens.</summary>
    public void NoteRead(TokenCredit credit)
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

    /// <summary>A client is gone, and with it its sessions.</summary>
    public void LoseClient(ISessionClient client)
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

    /// <summary>An exit head's drafts.</summary>
    public void TakeDrafts(Drafts drafts)
    {
        if (_sessions.TryGetValue(drafts.Session, out var session))
        {
            session.Decode.AddDrafts(drafts.Run, drafts.Tokens);
            port.RequestWork();
        }
    }

    /// <summary>The last stage's verdicts on one session's candidates.</summary>
    /// <param name="arrivedAt">Timestamp of their arrival.</param>
    /// <param name="stageMs">Milliseconds that their micro-batch spent at stages.</param>
    public void TakeVerdicts(SessionVerdicts verdicts, long arrivedAt, double stageMs)
    {
        if (!_sessions.TryGetValue(verdicts.Session, out var session))
        {
            return;
        }

        if (verdicts.Candidates.Length > 0)
        {
            _admission?.Fill.NoteVerdicts(verdicts.Session, verdicts.Candidates[0], MsOf(arrivedAt), stageMs);
        }

        var outcome = session.Decode.Apply(verdicts.Run, verdicts.Candidates, verdicts.Tokens);
        if (outcome.RunRejected)
        {
            port.NoteRejection(verdicts.Session, arrivedAt);
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
                $"stage {StageCount}: the model's logits are not finite (NaN or infinity): its weights hold such values, "
                    + "or a device computes wrongly",
                isFault: true
            );
        }
        else if (outcome.Finish is { } reason)
        {
            End(verdicts.Session, reason);
        }
        else if (outcome.HasGap)
        {
            Restart(session);
        }
        else if (outcome.RunRejected || outcome.DeadBranch.Count > 0)
        {
            port.SendToStages(new Cancel(verdicts.Session, session.Decode.Run, [.. outcome.DeadBranch]));
        }
    }

    /// <summary>A stage could not place a part: something before it was lost.</summary>
    public void TakeGap(GapSeen gap)
    {
        if (_sessions.TryGetValue(gap.Session, out var session) && session.Decode.Run == gap.Run)
        {
            Restart(session);
        }
    }

    /// <summary>
    /// A stage has released a session; pages that are free on all stages go to the next waiting session.
    /// </summary>
    public void NoteReleased(SessionReleased released)
    {
        if (!_releasing.Note(released.Session, released.Stage))
        {
            return;
        }

        _admission?.Release(released.Session);
        while (_waiting.TryPeek(out var next) && TryStart(next.Request, next.Client))
        {
            _waiting.Dequeue();
        }
    }

    /// <summary>Repeats unanswered messages and starts a new run for stalled sessions. Called periodically.</summary>
    public void KeepHouse()
    {
        foreach (var (session, stage) in _releasing.Unanswered)
        {
            port.SendAgain(stage, new EndSession(session));
        }

        AskForKeptAgain();
        foreach (var session in _sessions.Values)
        {
            if (session.HasStalled(options.StallTimeout))
            {
                port.NoteStall(session.Decode.Id);
                Restart(session);
            }
        }
    }

    /// <summary>
    /// A client has one session: a repeated request means the answer has not arrived, so it is sent again. A later attempt takes
    /// the place of an earlier one.
    /// </summary>
    private bool IsKnown(ISessionClient client, int attempt)
    {
        if (SessionsOf(client).FirstOrDefault() is { } session)
        {
            if (session.Attempt >= attempt)
            {
                TellStarted(session);
                return true;
            }

            LoseClient(client);
            port.Unwatch(client);
        }

        return _waiting.Any(entry => entry.Client.Equals(client));
    }

    private double MsOf(long timestamp) => clock.GetElapsedTime(0, timestamp).TotalMilliseconds;

    private void TellStarted(LiveSession session) => session.Client.Tell(session.Started(_arithmetic));

    /// <summary>
    /// Has this stage's chain draft behind verified tokens that would enter alone: those drafts enter beside them, a cycle
    /// before the ones that the tokens' own step will bring.
    /// </summary>
    private void DraftBehindBareTokens()
    {
        if (
            _composer is not { MayDraft: true }
            || _pipeline!.Stages[0].Description is not { HasExitHead: true, DraftDepth: > 1 }
        )
        {
            return;
        }

        _bare.Clear();
        foreach (var session in _sessions.Values)
        {
            if (session.Decode.BareToken is not null)
            {
                _bare.Add(session);
            }
        }

        foreach (var session in _bare)
        {
            if (session.Decode.BareToken is { } token)
            {
                session.Decode.AddDraftsBehind(port.DraftBehind(session.Decode.Id, token));
            }
        }
    }

    private void Wait(StartSession request, ISessionClient client)
    {
        if (_waiting.Count >= options.MaxWaitingSessions)
        {
            client.Tell(
                new SessionRefused(
                    RefusalKind.Unavailable,
                    $"{_waiting.Count} requests wait for KV memory already; try again later"
                )
            );
            return;
        }

        port.Watch(client);
        _waiting.Enqueue((request, client));
        client.Tell(new SessionQueued(_waiting.Count, request.Attempt));
    }

    private bool TryStart(StartSession request, ISessionClient client)
    {
        var id = SessionId.Create(_pipeline!.Epoch, _sessionNumber);
        if (!_admission!.TryReserve(id, request))
        {
            return false;
        }

        _sessionNumber++;
        var decode = new DecodeSession(
            id,
            [.. request.Prompt, .. request.Generated],
            _admission.SettingsFor(request),
            new GenerationLimits(request.MaxTokens - request.Generated.Length, request.EndTokens),
            _admission.LimitsFor(request),
            request.Sampling.Temperature == 0 ? _greedy : _sampled
        );
        var session = new LiveSession(decode, client, request, clock);
        _sessions.Add(id, session);
        port.Watch(client);
        TellStarted(session);
        GoOn(decode, request.Earlier);
        return true;
    }

    private void Restart(LiveSession session)
    {
        session.Decode.Restart();
        port.SendToStages(new Cancel(session.Decode.Id, session.Decode.Run, []));
        port.RequestWork();
    }

    private void End(SessionId id, FinishReason reason)
    {
        if (Forget(id) is not { } session)
        {
            return;
        }

        if (session.TryEnd(reason, StageCount))
        {
            Unwatch(session.Client);
        }
        else
        {
            _unread.Add(id, session);
        }
    }

    /// <summary>Takes a session out of the pipeline, at all stages.</summary>
    private LiveSession? Forget(SessionId id)
    {
        if (Close(id) is not { } session)
        {
            return null;
        }

        _releasing.Add(id, StageCount);
        port.SendToStages(new EndSession(id));
        return session;
    }

    /// <summary>Takes a session out of the loop.</summary>
    private LiveSession? Close(SessionId id)
    {
        if (!_sessions.Remove(id, out var session))
        {
            return null;
        }

        _resumed.Remove(id);
        _composer!.Remove(session.Decode);
        session.Decode.Finish();
        _counters.Close(session.Decode);
        return session;
    }

    private void Tell(LiveSession session, IWireMessage last)
    {
        session.SendNews();
        session.Client.Tell(last);
        Unwatch(session.Client);
    }

    /// <summary>The pipeline is gone. Stages learn of that themselves, and decide what they keep.</summary>
    private void FailAll(string reason)
    {
        foreach (var id in _sessions.Keys.ToList())
        {
            var session = options.ReplayMemory > 0 ? Close(id) : Forget(id);
            Tell(session!, new SessionFailed(id, reason, IsFault: false));
        }

        while (_waiting.TryDequeue(out var entry))
        {
            entry.Client.Tell(new SessionRefused(RefusalKind.Unavailable, reason));
        }

        _releasing.Clear();
    }

    private void Unwatch(ISessionClient client)
    {
        if (!SessionsOf(client).Any())
        {
            port.Unwatch(client);
        }
    }

    private IEnumerable<LiveSession> SessionsOf(ISessionClient client) =>
        _sessions.Values.Concat(_unread.Values).Where(session => session.Client.Equals(client));
}
