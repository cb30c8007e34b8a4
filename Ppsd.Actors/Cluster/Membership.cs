using Akka.Actor;
using Akka.Cluster;

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

    /// <summary>
    /// True when the cluster has removed this node: nobody takes note of it any more. The reason of its end is known before its
    /// own state among the members.
    /// </summary>
    public static bool IsCutOff(ActorSystem system) =>
        CoordinatedShutdown.Get(system).ShutdownReason is CoordinatedShutdown.ClusterDowningReason
        || Akka.Cluster.Cluster.Get(system)
            is { IsTerminated: true }
                or { SelfMember.Status: MemberStatus.Down or MemberStatus.Removed };
}
