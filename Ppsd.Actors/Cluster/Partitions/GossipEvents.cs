using System.Collections;
using System.Reflection;
using Akka.Actor;
using Akka.Cluster;

namespace Ppsd.Actors.Cluster.Partitions;

/// <summary>
/// What Akka keeps to itself of a cluster: events about who does not reach whom and who has taken note of it, as of its public ones
/// none names the observer, and the question for a node that is in a cluster.
/// </summary>
internal static class GossipEvents
{
    /// <summary>Another member does not reach, or reaches again, another one.</summary>
    public static Type ReachabilityChanged { get; } = Internal("ClusterEvent+ReachabilityChanged");

    /// <summary>Others have taken note of the latest, or there is something newer.</summary>
    public static Type SeenChanged { get; } = Internal("ClusterEvent+SeenChanged");

    /// <summary>Answer to <see cref="CreateInitJoin"/> of a node that is in a cluster.</summary>
    public static Type InitJoinAck { get; } = Internal("InternalClusterAction+InitJoinAck");

    /// <summary>Answer to <see cref="CreateInitJoin"/> of a node that is in none.</summary>
    public static Type InitJoinNack { get; } = Internal("InternalClusterAction+InitJoinNack");

    private static readonly PropertyInfo _seenBy = Property(SeenChanged, "SeenBy");
    private static readonly PropertyInfo _reachability = Property(ReachabilityChanged, "Reachability");
    private static readonly PropertyInfo _records = Property(Internal("Reachability"), "Records");
    private static readonly PropertyInfo _observer = Property(Internal("Reachability+Record"), "Observer");
    private static readonly PropertyInfo _subject = Property(Internal("Reachability+Record"), "Subject");
    private static readonly PropertyInfo _status = Property(Internal("Reachability+Record"), "Status");

    /// <summary>The pairs of a <see cref="ReachabilityChanged"/>.</summary>
    public static IReadOnlyList<BrokenPair<UniqueAddress>> BrokenPairs(object changed) =>
        [
            .. ((IEnumerable)_records.GetValue(_reachability.GetValue(changed))!)
                .Cast<object>()
                .Where(record => _status.GetValue(record)!.ToString() != "Reachable")
                .Select(record => new BrokenPair<UniqueAddress>(
                    (UniqueAddress)_observer.GetValue(record)!,
                    (UniqueAddress)_subject.GetValue(record)!
                )),
        ];

    /// <summary>The members of a <see cref="SeenChanged"/>.</summary>
    public static IReadOnlyCollection<Address> SeenBy(object changed) =>
        (IReadOnlyCollection<Address>)_seenBy.GetValue(changed)!;

    /// <summary>A newcomer's question for a member that lets it in.</summary>
    public static object CreateInitJoin() =>
        Activator.CreateInstance(Internal("InternalClusterAction+InitJoin"), nonPublic: true)!;

    private static Type Internal(string name) =>
        typeof(Akka.Cluster.Cluster).Assembly.GetType($"Akka.Cluster.{name}", throwOnError: true)!;

    private static PropertyInfo Property(Type type, string name) =>
        type.GetProperty(name, BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic)
        ?? throw new MissingMemberException(type.FullName, name);
}
