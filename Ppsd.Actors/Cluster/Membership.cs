using Akka.Actor;

namespace Ppsd.Actors.Cluster;

/// <summary>Who belongs to the cluster, as this node knows it now. Word of a newcomer takes some gossip to arrive.</summary>
internal static class Membership
{
    /// <summary>True for an actor on a member, this node included.</summary>
    public static bool Has(ActorSystem system, IActorRef actor) =>
        actor.Path.Address.HasLocalScope
        || Akka.Cluster.Cluster.Get(system).State.Members.Any(member => member.Address == actor.Path.Address);
}
