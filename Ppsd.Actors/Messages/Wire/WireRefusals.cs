using Akka.Actor;

namespace Ppsd.Actors.Messages.Wire;

/// <summary>Counts what a process was sent and did not read: off the allow-list, or not what its manifest says.</summary>
internal sealed class WireRefusals : IExtension
{
    private long _count;

    /// <summary>Messages refused since the process joined.</summary>
    public long Count => Interlocked.Read(ref _count);

    /// <summary>The counter of an actor system.</summary>
    public static WireRefusals Of(ActorSystem system) => Provider.Instance.Apply(system);

    /// <summary>One more.</summary>
    public void Add() => Interlocked.Increment(ref _count);

    private sealed class Provider : ExtensionIdProvider<WireRefusals>
    {
        public static Provider Instance { get; } = new();

        public override WireRefusals CreateExtension(ExtendedActorSystem system) => new();
    }
}
