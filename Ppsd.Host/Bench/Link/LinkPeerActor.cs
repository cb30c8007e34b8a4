using Akka.Actor;
using Ppsd.Actors.Messages;

namespace Ppsd.Host.Bench.Link;

/// <summary>
/// The far end of a link under measurement: sends a micro-batch of verified tokens back as it came, and answers any other
/// with the credit that a stage would return.
/// </summary>
internal sealed class LinkPeerActor : ReceiveActor
{
    public LinkPeerActor() =>
        Receive<Forward>(forward =>
            Sender.Tell(forward.Batch.Parts[0].CertainCount > 0 ? forward : new Credit(forward.Batch.Number))
        );

    /// <summary>On a thread of its own behind a stage's mailbox, as a stage is.</summary>
    public static Props Props =>
        Akka
            .Actor.Props.Create(() => new LinkPeerActor())
            .WithDispatcher("ppsd.stage-dispatcher")
            .WithMailbox("ppsd.stage-mailbox");
}
