using System.Collections.Concurrent;
using Akka.Actor;

namespace Ppsd.Actors.Remoting;

/// <summary>Why connections to other nodes were refused, by them or by this node. Thread-safe.</summary>
internal sealed class JoinTroubles : IExtension
{
    private readonly ConcurrentDictionary<string, string> _reasons = new();

    /// <summary>One of them, as a sentence; null when there is none.</summary>
    public string? Any
    {
        get
        {
            foreach (var (peer, reason) in _reasons)
            {
                return $"{peer} {reason}";
            }

            return null;
        }
    }

    /// <summary>The reasons noted in an actor system.</summary>
    public static JoinTroubles Of(ActorSystem system) => Provider.Instance.Apply(system);

    /// <summary>Notes a reason; false when it is known already.</summary>
    public bool Note(Address peer, string reason)
    {
        var isNew = !_reasons.TryGetValue(NameOf(peer), out var known) || known != reason;
        _reasons[NameOf(peer)] = reason;
        return isNew;
    }

    /// <summary>The peer has let this node in.</summary>
    public void Clear(Address peer) => _reasons.TryRemove(NameOf(peer), out _);

    private static string NameOf(Address peer) => $"{peer.Host}:{peer.Port}";

    private sealed class Provider : ExtensionIdProvider<JoinTroubles>
    {
        public static Provider Instance { get; } = new();

        public override JoinTroubles CreateExtension(ExtendedActorSystem system) => new();
    }
}
