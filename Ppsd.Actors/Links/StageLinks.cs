using Akka.Actor;
using Ppsd.Actors.Ids;
using Ppsd.Actors.Messages;
using Ppsd.Actors.Messages.Wire;
using Ppsd.Actors.Remoting;

namespace Ppsd.Actors.Links;

/// <summary>
/// A stage's way to its peers. Between processes the messages of the data path take sockets of their own: remoting
/// hands a message from thread to thread eight times a hop, and each must wake; here the sender's thread writes and one
/// thread of the receiver's reads. All other messages, and all messages to a peer without a direct link, go through
/// remoting. Used by the stage's thread.
/// </summary>
/// <remarks>
/// A pair of stages uses one way for an epoch, so messages keep their order; if the connection breaks, what was in flight
/// is lost, which the protocol makes good, and remoting takes over.
/// </remarks>
internal sealed class StageLinks : IDisposable
{
    private readonly LinkListener? _listener;
    private readonly WireSerializer? _serializer;
    private IReadOnlyList<PipelineStage> _stages = [];
    private DirectLink?[] _links = [];
    private DelayLine?[] _delays = [];
    private readonly TimeSpan _delay;

    private readonly ClusterSecret? _secret;

    private StageLinks(LinkListener? listener, WireSerializer? serializer, ClusterSecret? secret, TimeSpan delay)
    {
        _delay = delay;
        _listener = listener;
        _serializer = serializer;
        _secret = secret;
    }

    /// <summary>Where this stage takes messages; null where only remoting, or no network at all, is used.</summary>
    public LinkEndpoint? Endpoint => _listener?.Endpoint;

    /// <summary>Opens a stage's end.</summary>
    /// <param name="isWanted">False to leave all to remoting.</param>
    /// <param name="delay">What messages to other stages take longer, for benchmarks and tests; zero for nothing.</param>
    public static StageLinks Open(ActorSystem system, IActorRef self, bool isWanted, TimeSpan delay = default)
    {
        var host = ((ExtendedActorSystem)system).Provider.DefaultAddress.Host;
        if (!isWanted || string.IsNullOrEmpty(host))
        {
            return new StageLinks(null, null, null, delay);
        }

        var serializer = (WireSerializer)system.Serialization.FindSerializerForType(typeof(Forward));
        var secret = TransportSetup.SecretOf(system);
        var bindHost = system.Settings.Config.GetString("akka.remote.dot-netty.tcp.hostname", host);
        return new StageLinks(
            LinkListener.TryStart(
                bindHost,
                host,
                serializer,
                message => self.Tell(message, ActorRefs.NoSender),
                secret
            ),
            serializer,
            secret,
            delay
        );
    }

    /// <summary>Connects to the stages that this one talks to: its neighbours and the draft stage, which talks to all.</summary>
    /// <param name="stages">All stages of the pipeline.</param>
    public void Connect(IReadOnlyList<PipelineStage> stages, StageIndex self)
    {
        CloseAll();
        _stages = stages;
        _links = new DirectLink?[stages.Count];
        for (var peer = 0; _listener is not null && peer < stages.Count; peer++)
        {
            var isSpokenTo = self.Value == 0 || peer == 0 || Math.Abs(peer - self.Value) == 1;
            if (peer != self.Value && isSpokenTo && stages[peer].Link is { } endpoint)
            {
                _links[peer] = DirectLink.TryConnect(endpoint, _serializer!, _secret);
            }
        }

        _delays = new DelayLine?[stages.Count];
        for (var peer = 0; _delay > TimeSpan.Zero && peer < stages.Count; peer++)
        {
            var to = peer;
            _delays[peer] = peer == self.Value ? null : new DelayLine(_delay, message => Deliver(stages, to, message));
        }
    }

    /// <summary>Sends a message to a stage.</summary>
    public void Tell(int stage, object message)
    {
        if (_delays[stage] is { } delay)
        {
            delay.Send(message);
        }
        else
        {
            Deliver(_stages, stage, message);
        }
    }

    private void Deliver(IReadOnlyList<PipelineStage> stages, int stage, object message)
    {
        if (_links.ElementAtOrDefault(stage) is not { } link || !LinkFrame.Carries(message) || !link.TrySend(message))
        {
            stages[stage].Actor.Tell(message);
        }
        else if (message is Forward forward)
        {
            forward.Hidden.Release();
        }
    }

    /// <summary>Puts messages that have arrived over direct links into the stage's mailbox. False when there were none.</summary>
    public bool TryTake() => _listener?.TryTake() == true;

    public void Dispose()
    {
        CloseAll();
        _listener?.Dispose();
    }

    private void CloseAll()
    {
        foreach (var delay in _delays)
        {
            delay?.Dispose();
        }

        _delays = [];
        foreach (var link in _links)
        {
            link?.Dispose();
        }

        _links = [];
    }
}
