using System.Threading.Channels;
using Akka.Actor;
using Akka.Remote;
using Ppsd.Actors.Mailboxes;
using Ppsd.Actors.Messages;

namespace Ppsd.Actors.Client;

/// <summary>
/// The client's end of a session: asks the gateway for it, hands its events to a channel, watches the draft stage and
/// stops the session when the reader is gone. Where the pipeline dies it asks for one that goes on with the text, which
/// <see cref="HeldGeneration"/> holds; the reader notices a pause. Where this process is removed from the cluster the next actor
/// of the <see cref="Generation"/> does.
/// </summary>
internal sealed class GenerationActor : HandlerActor, IWithTimers
{
    /// <summary>Tokens that may wait here for the reader.</summary>
    public const int Window = 256;

    private static readonly TimeSpan _askInterval = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan _resumeInterval = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan _lookInterval = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan _longSilence = TimeSpan.FromSeconds(2);

    private readonly IActorRef _gateway;
    private readonly HeldGeneration _held;
    private readonly ChannelWriter<GenerationEvent> _events;
    private readonly TimeSpan _startTimeout;
    private readonly ResumePolicy _policy;
    private readonly ReadingClock _clock;
    private IActorRef? _draftStage;
    private bool _stopRequested;
    private int _read;

    /// <summary>Tokens of earlier sessions that were not read when they were lost: the present one is owed no credit for them.</summary>
    private int _unreadOfEarlier;
    private string? _loss;
    private string? _refusal;

    /// <param name="gateway">Coordinator, or a proxy of it, or in one process the draft stage.</param>
    /// <param name="held">The text, of which the reader has all that has come. This actor's until it has stopped.</param>
    /// <param name="clock">This actor's until it has stopped.</param>
    /// <param name="isStopped">True when the reader wants no more of it.</param>
    public GenerationActor(
        IActorRef gateway,
        HeldGeneration held,
        ChannelWriter<GenerationEvent> events,
        TimeSpan startTimeout,
        ResumePolicy policy,
        ReadingClock clock,
        bool isStopped
    )
    {
        _gateway = gateway;
        _held = held;
        _read = held.Received;
        _events = events;
        _startTimeout = startTimeout;
        _policy = policy;
        _clock = clock;
        _stopRequested = isStopped;

        Receive<SessionQueued>(Wait);
        Receive<SessionStarted>(Started);
        Receive<SessionRefused>(Refused);
        Receive<TokensEmitted>(Emit);
        Receive<DraftsInFlight>(
            drafts => _events.TryWrite(new DraftsChanged(drafts.Tokens) { Others = drafts.Others ?? [] }),
            drafts => drafts.Session == _held.Session
        );
        Receive<SessionEnded>(Ended, ended => ended.Session == _held.Session);
        Receive<SessionFailed>(Failed, failed => failed.Session == _held.Session);
        Receive<Terminated>(
            lost => Lose($"stage 1 of the pipeline is gone ({lost.ActorRef.Path.Address})"),
            lost => lost.ActorRef.Equals(_draftStage)
        );
        Receive<DisassociatedEvent>(
            broken => Lose($"the connection to stage 1 of the pipeline broke ({broken.RemoteAddress})"),
            broken => broken.RemoteAddress == _draftStage?.Path.Address
        );
        Receive<Look>(_ => LookWhetherItStands());
        Receive<PipelineState>(Compare);
        Receive<AskAgain>(_ => _gateway.Tell(_held.Request));
        Receive<GiveUp>(_ => NobodyGoesOn());
        Receive<TokensRead>(Report);
        Receive<StopRequested>(_ => Stop());
        Receive<Abandoned>(_ => Context.Stop(Self));
        // Of sessions that were lost; an end that is not taken would be this actor's.
        ReceiveAny(_ => { });
    }

    public ITimerScheduler Timers { get; set; } = null!;

    protected override void PreStart()
    {
        if (_policy.MaxResumes > 0)
        {
            // A dead process breaks its connections seconds before the cluster says that it is dead.
            Context.System.EventStream.Subscribe(Self, typeof(DisassociatedEvent));
        }

        if (_held.HasBegun)
        {
            Lose("this process was removed from the cluster");
        }
        else if (_held.End is { } end)
        {
            // What it is to go on with was a whole text.
            Complete(end, _held.UnknownStats());
        }
        else
        {
            Ask(_askInterval, _startTimeout);
        }
    }

    protected override void PostStop()
    {
        Context.System.EventStream.Unsubscribe(Self);

        // However this actor stopped, the pipeline must not decode for a reader that is gone. After a regular end this
        // message comes late and ignored.
        LeaveSession();

        // Has no effect after a regular end. Without its last event the text is not whole, and its reader must not take it
        // for whole: this process may have been removed from the cluster, which stops all its actors.
        _events.TryComplete(GenerationException.Unfinished());
    }

    protected override void PreRestart(Exception reason, object message)
    {
        Break(GenerationFailure.Broken, $"the client of the pipeline failed: {reason.Message}");
        base.PreRestart(reason, message);
    }

    // Its reader has been told of the failure; a new start would generate for nobody.
    protected override void PostRestart(Exception reason) => Context.Stop(Self);

    private void Ask(TimeSpan interval, TimeSpan patience)
    {
        // A coordinator that moves may take the request with it. The draft stage starts one session a client, however
        // often it is asked.
        // The first time at once: a timer, even one of no length, waits for the scheduler's next tick.
        _gateway.Tell(_held.Request);
        Timers.StartPeriodicTimer(AskAgain.Instance, AskAgain.Instance, interval);
        Timers.StartSingleTimer(GiveUp.Instance, GiveUp.Instance, patience);
    }

    private void Wait(SessionQueued queued)
    {
        if (queued.Attempt == _held.Request.Attempt && _held.Session is null)
        {
            // Queued for memory: the draft stage is there, and only its loss can end the wait.
            Timers.CancelAll();
            Watch(Sender);
        }
    }

    private void Started(SessionStarted started)
    {
        var isFirst = !_held.HasBegun;
        if (!_held.TryBegin(started))
        {
            Sender.Tell(new StopSession(started.Session));
            return;
        }

        Timers.CancelAll();
        Watch(Sender);
        _refusal = null;
        if (isFirst)
        {
            _events.TryWrite(new GenerationStarted(_held.Request.MaxTokens, _held.Request.Arithmetic));
        }

        if (_stopRequested)
        {
            Stop();
        }
    }

    private void Refused(SessionRefused refused)
    {
        if (_held.Session is not null)
        {
            return;
        }

        if (refused.Kind == RefusalKind.BadRequest)
        {
            Break(
                _held.Resumes == 0 ? GenerationFailure.BadRequest : GenerationFailure.Broken,
                _held.Resumes == 0 ? refused.Reason : $"{_loss}; {refused.Reason}"
            );
        }
        else if (_draftStage is not null && _policy.MaxResumes > 0)
        {
            // It waited for memory on a pipeline that is gone.
            Lose(refused.Reason);
        }
        else if (_held.Resumes > 0)
        {
            // The next pipeline does not stand yet; the timer asks again.
            _refusal = refused.Reason;
        }
        else
        {
            Break(GenerationFailure.Unavailable, refused.Reason);
        }
    }

    private void Emit(TokensEmitted emitted)
    {
        var count = emitted.Tokens.Length;
        if (emitted.Session != _held.Session)
        {
            // Of a session that was lost.
        }
        else if (!_held.TryTake(emitted))
        {
            // Tokens travel on one connection, in order; a hole means that the connection was lost and came back.
            Lose("the connection to the pipeline was interrupted and tokens were lost");
        }
        else if (_held.Received - _read - _unreadOfEarlier > Window)
        {
            Break(GenerationFailure.Broken, "the pipeline sent more tokens than it was given leave to");
        }
        else if (count > 0)
        {
            _clock.NoteSign();
            _clock.NoteToken();
            _events.TryWrite(new TokensGenerated(emitted.Tokens, emitted.Logprobs));
        }
    }

    private void Report(TokensRead read)
    {
        _read += read.Count;
        var ofEarlier = Math.Min(read.Count, _unreadOfEarlier);
        _unreadOfEarlier -= ofEarlier;
        if (_held.Session is { } session && read.Count > ofEarlier)
        {
            _draftStage.Tell(new TokenCredit(session, read.Count - ofEarlier));
        }
    }

    private void Ended(SessionEnded ended)
    {
        if (!_held.IsWhole(ended))
        {
            Lose("the connection to the pipeline was interrupted and tokens were lost");
            return;
        }

        Complete(ended.Reason, ended.Stats);
    }

    private void Failed(SessionFailed failed)
    {
        if (failed.IsFault)
        {
            Break(GenerationFailure.Failed, failed.Reason);
        }
        else
        {
            Lose(failed.Reason);
        }
    }

    /// <summary>The session is lost, and with luck not the text.</summary>
    private void Lose(string reason)
    {
        LeaveSession();
        Timers.CancelAll();
        _loss = reason;
        var after = _held.Lose(_stopRequested);
        if (after.End is { } end)
        {
            Complete(end, _held.UnknownStats());
        }
        else if (after.CanResume)
        {
            _unreadOfEarlier = _held.Received - _read;
            Ask(_resumeInterval, _policy.Patience);
        }
        else
        {
            Break(GenerationFailure.Broken, reason);
        }
    }

    private void NobodyGoesOn() =>
        Break(
            _held.Resumes == 0 ? GenerationFailure.Unavailable : GenerationFailure.Broken,
            _held.Resumes == 0
                ? $"no coordinator answered within {_startTimeout.TotalSeconds:0.#} s"
                : $"{_loss}; no pipeline went on with the text within {_policy.Patience.TotalSeconds:0.#} s: "
                    + (_refusal ?? "no coordinator answered")
        );

    private void Complete(FinishReason reason, SessionStats stats)
    {
        Forget();
        _events.TryWrite(
            new GenerationEnded(reason, _held.Complete(stats, _clock.TimeToFirstToken, _clock.DecodeTime))
        );
        _events.TryComplete();
        Context.Stop(Self);
    }

    private void Break(GenerationFailure failure, string reason)
    {
        _events.TryComplete(new GenerationException(failure, reason));
        Context.Stop(Self);
    }

    private void Stop()
    {
        _stopRequested = true;
        if (_held.Session is { } session)
        {
            _draftStage.Tell(new StopSession(session));
        }
        else if (_held.Resumes > 0)
        {
            Complete(FinishReason.Cancelled, _held.UnknownStats());
        }
    }

    private void Watch(IActorRef draftStage)
    {
        _draftStage = draftStage;
        Context.Watch(draftStage);
        if (_policy.MaxResumes > 0)
        {
            _clock.NoteSign();
            Timers.StartPeriodicTimer(Look.Instance, Look.Instance, _lookInterval);
        }
    }

    /// <summary>
    /// A draft stage that hangs says nothing, and neither does one that computes a long prompt: the coordinator knows whether
    /// another pipeline stands.
    /// </summary>
    private void LookWhetherItStands()
    {
        if (_draftStage is not null && _clock.Silence > _longSilence)
        {
            _gateway.Tell(new GetPipeline());
        }
    }

    private void Compare(PipelineState state)
    {
        if (_draftStage is null || state.Formed is not { } formed)
        {
            return;
        }

        var isAnother = _held.Session is { } session
            ? formed.Epoch.Value > session.Epoch.Value
            : !formed.Stages[0].Actor.Equals(_draftStage);
        if (isAnother)
        {
            Lose(formed.Cause ?? "the pipeline was formed anew");
        }
    }

    /// <summary>Ends the session at a draft stage that may yet live, and its watch.</summary>
    private void LeaveSession()
    {
        if (_held.Session is { } session)
        {
            _draftStage?.Tell(new StopSession(session));
        }

        Forget();
    }

    private void Forget()
    {
        if (_draftStage is { } draftStage)
        {
            Context.Unwatch(draftStage);
            _draftStage = null;
        }
    }

    /// <summary>Sent to itself: the reader has read this many tokens.</summary>
    internal sealed record TokensRead(int Count);

    /// <summary>Sent to itself: end the session and return its figures.</summary>
    internal sealed class StopRequested
    {
        public static StopRequested Instance { get; } = new();
    }

    /// <summary>Sent to itself: the reader is gone.</summary>
    internal sealed class Abandoned
    {
        public static Abandoned Instance { get; } = new();
    }

    /// <summary>Sent to itself: no answer yet, so repeat the request.</summary>
    private sealed class AskAgain
    {
        public static AskAgain Instance { get; } = new();
    }

    /// <summary>Sent to itself: the start timeout has passed.</summary>
    private sealed class GiveUp
    {
        public static GiveUp Instance { get; } = new();
    }

    /// <summary>Sent to itself: has the draft stage said something of late?</summary>
    private sealed class Look
    {
        public static Look Instance { get; } = new();
    }
}
