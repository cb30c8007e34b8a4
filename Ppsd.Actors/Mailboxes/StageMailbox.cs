using Akka.Actor;
using Akka.Configuration;
using Akka.Dispatch;
using Akka.Dispatch.MessageQueues;

namespace Ppsd.Actors.Mailboxes;

/// <summary>
/// Mailbox of a stage: control messages are served before queued work. Akka.NET has no control-aware mailbox; named in
/// HOCON as <c>ppsd.stage-mailbox</c>.
/// </summary>
public sealed class StageMailbox : MailboxType, IProducesMessageQueue<StageMessageQueue>
{
    /// <summary>Called by Akka with the mailbox's configuration.</summary>
    public StageMailbox(Settings settings, Config config)
        : base(settings, config) { }

    /// <inheritdoc />
    public override IMessageQueue Create(IActorRef owner, ActorSystem system) => new StageMessageQueue();
}
