using System.Threading.Channels;
using Akka.Actor;
using Ppsd.Actors.Ids;
using Ppsd.Actors.Messages;

namespace Ppsd.Actors.Client;

/// <summary>
/// The client's end of a session: asks the gateway for it, hands its events to a channel, watches the draft stage and
/// stops the session when the reader is gone.
/// </summary>
internal sealed class GenerationActor : ReceiveActor, IWithTimers
{
    /// <summary>Tokens that may wait here for the reader.</summary>
    public const int Window = 256;

    private static readonly TimeSpan _askInterval = TimeSpan.FromSeconds(2);

    private readonly IActorRef _gateway;
    private readonly StartSession _request;
    private readonly ChannelWriter<GenerationEvent> _events;
    private readonly TimeSpan _startTimeout;
    private IActorRef? _draftStage;
    private SessionId? _session;
    private bool _stopRequested;
    private int _received;
    private int _read;

    public GenerationActor(
        IActorRef gateway,
        StartSession request,
        ChannelWriter<GenerationEvent> events,
        TimeSpan startTimeout
    )
    {
        _gateway = gateway;
        _request = request with { Window = Window };
        _events = events;
        _startTimeout = startTimeout;

        Receive<SessionQueued>(_ => Wait());
        Receive<SessionStarted>(Started);
        Receive<SessionRefused>(Refused);
        Receive<TokensEmitted>(Emit);
        Receive<DraftsInFlight>(drafts => _events.TryWrite(new DraftsChanged(drafts.Tokens)));
        Receive<SessionEnded>(Ended);
        Receive<SessionFailed>(failed =>
            Break(failed.IsFault ? GenerationFailure.Failed : GenerationFailure.Broken, failed.Reason)
        );
        Receive<Terminated>(lost =>
            Break(GenerationFailure.Broken, $"stage 1 of the pipeline is gone ({lost.ActorRef.Path.Address})")
        );
        Receive<AskAgain>(_ => _gateway.Tell(_request));
        Receive<GiveUp>(_ =>
            Break(GenerationFailure.Unavailable, $"no coordinator answered within {_startTimeout.TotalSeconds:0.#} s")
        );
        Receive<TokensRead>(Report);
        Receive<StopRequested>(_ => Stop());
        Receive<Abandoned>(_ => Context.Stop(Self));
    }

    public ITimerScheduler Timers { get; set; } = null!;

    protected override void PreStart()
    {
        // A coordinator that moves may take the request with it. The draft stage starts one session a client, however
        // often it is asked.
        // The first time at once: a timer, even one of no length, waits for the scheduler's next tick.
        _gateway.Tell(_request);
        Timers.StartPeriodicTimer(AskAgain.Instance, AskAgain.Instance, _askInterval);
        Timers.StartSingleTimer(GiveUp.Instance, GiveUp.Instance, _startTimeout);
    }

    protected override void PostStop()
    {
        // However this actor stopped, the pipeline must not decode for a reader that is gone. After a regular end this
        // message comes late and ignored.
        if (_session is { } session)
        {
            _draftStage.Tell(new StopSession(session));
        }

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

    private void Wait()
    {
        // Queued for memory: the draft stage is there, and only its loss can end the wait.
        Timers.CancelAll();
        Watch(Sender);
    }

    private void Started(SessionStarted started)
    {
        Timers.CancelAll();
        Watch(Sender);
        _session = started.Session;
        _events.TryWrite(new GenerationStarted());
        if (_stopRequested)
        {
            Stop();
        }
    }

    private void Refused(SessionRefused refused) =>
        Break(
            refused.Kind == RefusalKind.BadRequest ? GenerationFailure.BadRequest : GenerationFailure.Unavailable,
            refused.Reason
        );

    private void Emit(TokensEmitted emitted)
    {
        if (emitted.FirstIndex != _received)
        {
            // Tokens travel on one connection, in order; a hole means that the connection was lost and came back.
            Break(GenerationFailure.Broken, "the connection to the pipeline was interrupted and tokens were lost");
            return;
        }

        _received += emitted.Tokens.Length;
        if (_received - _read > Window)
        {
            Break(GenerationFailure.Broken, "the pipeline sent more tokens than it was given leave to");
            return;
        }

        _events.TryWrite(new TokensGenerated(emitted.Tokens, emitted.Logprobs));
    }

    private void Report(TokensRead read)
    {
        _read += read.Count;
        if (_session is { } session)
        {
            _draftStage.Tell(new TokenCredit(session, read.Count));
        }
    }

    private void Ended(SessionEnded ended)
    {
        if (ended.Stats.GeneratedTokens != _received)
        {
            Break(GenerationFailure.Broken, "the connection to the pipeline was interrupted and tokens were lost");
            return;
        }

        _session = null;
        _events.TryWrite(new GenerationEnded(ended.Reason, ended.Stats));
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
        if (_session is { } session)
        {
            _draftStage.Tell(new StopSession(session));
        }
    }

    private void Watch(IActorRef draftStage)
    {
        _draftStage = draftStage;
        Context.Watch(draftStage);
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
}
