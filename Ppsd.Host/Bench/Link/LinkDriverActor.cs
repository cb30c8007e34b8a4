using Akka.Actor;
using Ppsd.Actors.Ids;
using Ppsd.Actors.Messages;

namespace Ppsd.Host.Bench.Link;

/// <summary>
/// The near end of a link under measurement. First one micro-batch at a time, there and back; then a window of them at
/// once, as many as a hop may have in flight.
/// </summary>
internal sealed class LinkDriverActor : ReceiveActor
{
    /// <summary>Micro-batches that a hop may have in flight by default.</summary>
    private const int Window = 4;

    private readonly IActorRef _peer;
    private readonly HiddenStates _hidden;
    private readonly int _count;
    private readonly TimeProvider _clock;
    private readonly TaskCompletionSource<LinkTiming> _result;
    private readonly List<double> _roundTripsMs = [];
    private long _sentAt;
    private int _sent;
    private int _answered;

    public LinkDriverActor(
        IActorRef peer,
        int payloadBytes,
        int count,
        TimeProvider clock,
        TaskCompletionSource<LinkTiming> result
    )
    {
        _peer = peer;
        _hidden = HiddenStates.Keep(new byte[payloadBytes]);
        _count = count;
        _clock = clock;
        _result = result;
        Receive<Forward>(_ => EndRoundTrip());
        Receive<Credit>(_ => Refill());
    }

    /// <summary>On a thread of its own behind a stage's mailbox, as a stage is.</summary>
    public static Props Props(
        IActorRef peer,
        int payloadBytes,
        int count,
        TimeProvider clock,
        TaskCompletionSource<LinkTiming> result
    ) =>
        Akka
            .Actor.Props.Create(() => new LinkDriverActor(peer, payloadBytes, count, clock, result))
            .WithDispatcher("ppsd.stage-dispatcher")
            .WithMailbox("ppsd.stage-mailbox");

    /// <summary>The first round trips are discarded, because they open connections and compile code.</summary>
    private int WarmUp => Math.Max(10, _count / 4);

    protected override void PreStart() => Send(isCertain: true);

    private void EndRoundTrip()
    {
        _roundTripsMs.Add(_clock.GetElapsedTime(_sentAt).TotalMilliseconds);
        if (_roundTripsMs.Count < WarmUp + _count)
        {
            Send(isCertain: true);
            return;
        }

        _sent = 0;
        _sentAt = _clock.GetTimestamp();
        for (var i = 0; i < Math.Min(Window, _count); i++)
        {
            Send(isCertain: false);
        }
    }

    private void Refill()
    {
        _answered++;
        if (_answered == _count)
        {
            _result.TrySetResult(
                new LinkTiming(
                    _hidden.Length,
                    [.. _roundTripsMs.Skip(WarmUp).Select(ms => ms / 2)],
                    _count / _clock.GetElapsedTime(_sentAt).TotalSeconds
                )
            );
            Context.Stop(Self);
        }
        else if (_sent < _count)
        {
            Send(isCertain: false);
        }
    }

    private void Send(bool isCertain)
    {
        var id = new CandidateId(_sent++);
        if (isCertain)
        {
            _sentAt = _clock.GetTimestamp();
        }

        _peer.Tell(
            new Forward(
                new MicroBatch(
                    new BatchNumber(_sent),
                    [
                        new BatchPart
                        {
                            Session = SessionId.Create(new PipelineEpoch(1), 0),
                            Run = new RunId(0),
                            Base = VerifiedPath.Empty,
                            Candidates = [id],
                            Tokens = [new TokenId(0)],
                            Parents = [CandidateId.Root],
                            CertainCount = isCertain ? 1 : 0,
                            FirstHeadRow = 0,
                        },
                    ]
                ),
                _hidden
            )
        );
    }
}
