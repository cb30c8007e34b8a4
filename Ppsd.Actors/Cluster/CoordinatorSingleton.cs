using Akka.Actor;
using Akka.Cluster.Tools.Singleton;
using Akka.Pattern;

namespace Ppsd.Actors.Cluster;

/// <summary>The coordinator is on the cluster's oldest node that may host it, and on the next one when that has left.</summary>
internal static class CoordinatorSingleton
{
    private const string Name = "coordinator";

    /// <summary>How long the next node waits before it starts a coordinator in place of one whose node was removed.</summary>
    /// <remarks>
    /// Akka's own figure is the resolver's <c>stable-after</c> once more, for nodes that are cut off and stop later than the others. Here
    /// the oldest leaves only where it is alone, and what a removed node sends is dropped: its coordinator orders nobody.
    /// </remarks>
    private static readonly TimeSpan _removalMargin = TimeSpan.FromSeconds(0.5);

    /// <summary>Hosts it where <paramref name="system"/> is the oldest node, now or later.</summary>
    public static void Host(ActorSystem system, ClusterPlan plan, TimeProvider clock) =>
        system.ActorOf(
            ClusterSingletonManager.Props(
                RestartedWhenStopped(Props.Create(() => new CoordinatorActor(plan, clock))),
                PoisonPill.Instance,
                ClusterSingletonManagerSettings.Create(system).WithRemovalMargin(_removalMargin)
            ),
            Name
        );

    /// <summary>An actor that passes on to the coordinator, wherever it is.</summary>
    public static Props Proxy(ActorSystem system) =>
        ClusterSingletonProxy.Props($"/user/{Name}", ClusterSingletonProxySettings.Create(system));

    /// <summary>The manager of a singleton that has stopped does not start another: no request would be served from then on.</summary>
    private static Props RestartedWhenStopped(Props props) =>
        BackoffSupervisor.Props(
            Backoff.OnStop(
                props,
                "actor",
                TimeSpan.FromMilliseconds(100),
                TimeSpan.FromSeconds(3),
                randomFactor: 0,
                maxNrOfRetries: -1
            )
        );
}
