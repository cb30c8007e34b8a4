using System.Collections.Concurrent;
using Akka.Actor;
using Akka.Dispatch;
using Akka.Dispatch.MessageQueues;
using Ppsd.Actors.Messages;
using Ppsd.Actors.Speculation;

namespace Ppsd.Actors.Mailboxes;

/// <summary>
/// Two lanes, control first, and the stage's <see cref="CancelBoard"/>. A <see cref="Cancel"/> or
/// <see cref="EndSession"/> takes effect here, on the sender's (or the transport's) thread, at the moment it is
/// enqueued: the stage may be deep in a forward pass and polls the board between layers. No thread has to wake for it.
/// </summary>
public sealed class StageMessageQueue : IMessageQueue, IUnboundedMessageQueueSemantics, IWaitingVerdicts
{
    private readonly ConcurrentQueue<Envelope> _control = new();
    private readonly ConcurrentQueue<Envelope> _work = new();
    private int _verdictArrivals;

    /// <summary>Dead runs and branches known to this stage.</summary>
    public CancelBoard Board { get; } = new();

    /// <summary>How long the link to the next stage takes.</summary>
    public LinkMeter Link { get; } = new();

    /// <summary>Stamps micro-batches and verdicts as they arrive.</summary>
    internal TimeProvider Clock { get; set; } = TimeProvider.System;

    /// <inheritdoc />
    public bool HasMessages => !_control.IsEmpty || !_work.IsEmpty;

    /// <inheritdoc />
    public int Count => _control.Count + _work.Count;

    /// <inheritdoc />
    public int VerdictArrivals => Volatile.Read(ref _verdictArrivals);

    /// <inheritdoc />
    public IEnumerable<Verdicts> WaitingVerdicts => _control.Select(envelope => envelope.Message).OfType<Verdicts>();

    /// <inheritdoc />
    public void Enqueue(IActorRef receiver, Envelope envelope)
    {
        switch (envelope.Message)
        {
            case Cancel cancel:
                Board.Raise(cancel);
                break;
            case EndSession end:
                Board.End(end.Session);
                break;
            case LinkProbe probe:
                envelope.Sender.Tell(new LinkEcho(probe.SentAt), receiver);
                return;
            case LinkEcho echo:
                Link.Note(echo);
                return;
            case Verdicts verdicts:
                verdicts.ArrivedAt = Clock.GetTimestamp();
                _control.Enqueue(envelope);
                Interlocked.Increment(ref _verdictArrivals);
                return;
            case Forward forward:
                forward.Batch.ArrivedAt = Clock.GetTimestamp();
                break;
            default:
                break;
        }

        (envelope.Message is IControlMessage ? _control : _work).Enqueue(envelope);
    }

    /// <inheritdoc />
    public bool TryDequeue(out Envelope envelope) =>
        _control.TryDequeue(out envelope) || _work.TryDequeue(out envelope);

    /// <inheritdoc />
    public void CleanUp(IActorRef owner, IMessageQueue deadletters)
    {
        while (TryDequeue(out var envelope))
        {
            deadletters.Enqueue(owner, envelope);
        }
    }
}
