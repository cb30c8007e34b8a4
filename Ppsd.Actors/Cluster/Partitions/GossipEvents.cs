using System.Collections;
using System.Reflection;
using Akka.Actor;
using Akka.Cluster;

namespace Ppsd.Actors.Cluster.Partitions;

/// <summary>
/// Cluster messages that Akka keeps internal, by reflection: the events that name both observer and subject of lost reachability (the
/// public ones name the subject only) and that say which members have seen the latest gossip; and a newcomer's question to a seed.
/// </summary>
internal static class GossipEvents
{
    /// <summary>A member lost another one, or reaches it again.</summary>
    public static Type ReachabilityChanged { get; } = Internal("ClusterEvent+ReachabilityChanged");

    /// <summary>The set of members that have seen the latest gossip has changed.</summary>
    public static Type SeenChanged { get; } = Internal("ClusterEvent+SeenChanged");

    /// <summary>The answer to <see cref="CreateInitJoin"/> from a node that is in a cluster.</summary>
    public static Type InitJoinAck { get; } = Internal("InternalClusterAction+InitJoinAck");

    /// <summary>The answer to <see cref="CreateInitJoin"/> from a node that is in no cluster.</summary>
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

    /// <summary>The question by which a newcomer looks for a member that lets it in.</summary>
    public static object CreateInitJoin() =>
        Activator.CreateInstance(Internal("InternalClusterAction+InitJoin"), nonPublic: true)!;

    private static Type Internal(string name) =>
        typeof(Akka.Cluster.Cluster).Assembly.GetType($"Akka.Cluster.{name}", throwOnError: true)!;

    private static PropertyInfo Property(Type type, string name) =>
        type.GetProperty(name, BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic)
        ?? throw new MissingMemberException(type.FullName, name);
}
