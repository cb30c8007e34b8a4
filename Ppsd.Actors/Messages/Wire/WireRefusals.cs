using Akka.Actor;

namespace Ppsd.Actors.Messages.Wire;

/// <summary>
/// Counts messages that this process received and refused: types off the allow-list, or bytes that do not match their
/// manifest.
/// </summary>
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
