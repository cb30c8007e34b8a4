using Akka.Actor;
using Akka.Event;

namespace Ppsd.Actors.Messages.Wire;

/// <summary>
/// Counts frames that remoting could not read and that no serializer of ours saw: of a serializer nobody has, or damaged
/// ones of Akka's own. Remoting drops them and tells of each in a warning alone, so <c>akka.loglevel</c> must not be below
/// WARNING for them to count.
/// </summary>
internal sealed class UnreadFramesActor : ReceiveActor
{
    /// <summary>Akka keeps this type internal and offers no public hook, so it is matched by name.</summary>
    private const string Reader = "Akka.Remote.EndpointReader";

    public UnreadFramesActor()
    {
        var refusals = WireRefusals.Of(Context.System);
        Receive<Warning>(warning =>
        {
            if (warning.LogClass.FullName == Reader && warning.Cause is not (null or WireRefusedException))
            {
                refusals.Add();
            }
        });
    }

    protected override void PreStart() => Context.System.EventStream.Subscribe(Self, typeof(Warning));

    protected override void PostStop() => Context.System.EventStream.Unsubscribe(Self);
}
