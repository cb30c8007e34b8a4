using Akka.Actor;

namespace Ppsd.Actors.Cluster;

/// <summary>
/// Members of the cluster in this node's current view. A new member appears after some rounds of gossip.
/// </summary>
internal static class Membership
{
    /// <summary>True for an actor on a member, this node included.</summary>
    public static bool Has(ActorSystem system, IActorRef actor) =>
        actor.Path.Address.HasLocalScope
        || Akka.Cluster.Cluster.Get(system).State.Members.Any(member => member.Address == actor.Path.Address);
}
