using System.Threading.Channels;
using Akka.Actor;
using Akka.Remote;
using Ppsd.Actors.Messages;

namespace Ppsd.Actors.Client;

/// <summary>
/// The client's end of a text: asks a gateway for it, writes its messages to a channel, watches the gateway and stops
/// the text when the reader is gone. A gateway that disappears before it accepted is replaced by another; one that
/// disappears later breaks the text off.
/// </summary>
internal sealed class TextClientActor : ReceiveActor, IWithTimers
{
    private static readonly TimeSpan _searchInterval = TimeSpan.FromMilliseconds(100);

    private readonly TextGateways _gateways;
    private readonly StartText _request;
    private readonly ChannelWriter<IWireMessage> _parts;
    private readonly TimeSpan _startTimeout;
    private IActorRef? _asked;
    private IActorRef? _session;
    private long _received;
    private long _credited;

    public TextClientActor(
        TextGateways gateways,
        StartText request,
        ChannelWriter<IWireMessage> parts,
        TimeSpan startTimeout
    )
    {
        _gateways = gateways;
        _request = request;
        _parts = parts;
        _startTimeout = startTimeout;

        Receive<Search>(_ => Ask());
        Receive<GiveUp>(_ => NobodyAnswered());
        Receive<TextAccepted>(Accept);
        Receive<TextDeclined>(_ => Lose(Sender));
        Receive<TextEmitted>(Take);
        Receive<TextCredit>(credit =>
        {
            _credited += credit.Count;
            _session.Tell(credit);
        });
        Receive<TextEnded>(End);
        Receive<TextFailed>(failed => Break(failed.Failure, failed.Reason));
        Receive<Terminated>(lost => Lose(lost.ActorRef));
        Receive<DisassociatedEvent>(_ => Lose(_session!), broken => broken.RemoteAddress == _session?.Path.Address);
    }

    public ITimerScheduler Timers { get; set; } = null!;

    protected override void PreStart()
    {
        if (_request.Settings.Resumes)
        {
            // A dead process breaks its connections seconds before the cluster says that it is dead.
            Context.System.EventStream.Subscribe(Self, typeof(DisassociatedEvent));
        }

        Timers.StartSingleTimer(GiveUp.Instance, GiveUp.Instance, _startTimeout);
        Ask();
    }

    protected override void PostStop()
    {
        Context.System.EventStream.Unsubscribe(Self);

        // However this actor stopped, the reader is gone. After a regular end this message comes late and is ignored.
        _session?.Tell(new StopText());

        // Has no effect after a regular end. Without its last part the text is not whole, and its reader must not take it for
        // whole: this process may have been removed from the cluster, which stops all its actors.
        _parts.TryComplete(GenerationException.Unfinished());
    }

    protected override void PreRestart(Exception reason, object message)
    {
        Break(GenerationFailure.Broken, $"the client of the text gateway failed: {reason.Message}");
        base.PreRestart(reason, message);
    }

    // Its reader has been told of the failure; a new start would ask for a text that nobody reads.
    protected override void PostRestart(Exception reason) => Context.Stop(Self);

    private void Ask()
    {
        if (_gateways.Next() is not { } gateway)
        {
            // This process may still be joining, or a gateway may be about to come up.
            Timers.StartSingleTimer(Search.Instance, Search.Instance, _searchInterval);
            return;
        }

        _asked = gateway;
        Context.Watch(gateway);
        gateway.Tell(_request);
    }

    private void Accept(TextAccepted accepted)
    {
        if (_session is not null)
        {
            return;
        }

        Timers.CancelAll();
        _session = Sender;
        Context.Watch(_session);
        if (_asked is not null)
        {
            Context.Unwatch(_asked);
            _asked = null;
        }

        _parts.TryWrite(accepted);
    }

    private void Take(TextEmitted emitted)
    {
        if (emitted.Index != _received)
        {
            // Segments travel on one connection, in order; a hole means that the connection was lost and came back.
            Break(GenerationException.Lost("the connection to the text gateway was interrupted and text was lost"));
        }
        else if (++_received > _credited + _request.Window)
        {
            Break(GenerationFailure.Broken, "the text gateway sent more than it was given leave to");
        }
        else
        {
            _parts.TryWrite(emitted);
        }
    }

    private void End(TextEnded ended)
    {
        if (ended.SegmentCount != _received)
        {
            Break(GenerationException.Lost("the connection to the text gateway was interrupted and text was lost"));
            return;
        }

        _session = null;
        _parts.TryWrite(ended);
        _parts.TryComplete();
        Context.Stop(Self);
    }

    private void Lose(IActorRef lost)
    {
        if (lost.Equals(_session))
        {
            _session = null;
            Break(GenerationException.Lost($"the text gateway at {lost.Path.Address} is gone"));
        }
        else if (lost.Equals(_asked))
        {
            _asked = null;
            Timers.StartSingleTimer(Search.Instance, Search.Instance, _searchInterval);
        }
    }

    private void NobodyAnswered() =>
        Break(
            GenerationFailure.Unavailable,
            _asked is null
                ? $"no node of the cluster serves texts (waited {_startTimeout.TotalSeconds:0.#} s): {_gateways.Explanation}"
                : $"the text gateway at {_asked.Path.Address} did not answer within {_startTimeout.TotalSeconds:0.#} s"
        );

    private void Break(GenerationFailure failure, string reason) => Break(new GenerationException(failure, reason));

    private void Break(GenerationException failure)
    {
        _parts.TryComplete(failure);
        Context.Stop(Self);
    }

    /// <summary>Note to self: look for a gateway again.</summary>
    private sealed class Search
    {
        public static Search Instance { get; } = new();
    }

    /// <summary>Note to self: it has taken too long.</summary>
    private sealed class GiveUp
    {
        public static GiveUp Instance { get; } = new();
    }
}
