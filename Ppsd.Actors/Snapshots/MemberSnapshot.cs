namespace Ppsd.Actors.Snapshots;

/// <summary>A member of a cluster.</summary>
/// <param name="Address">Its address, as other nodes reach it.</param>
/// <param name="Status">Joining, WeaklyUp, Up, Leaving, Exiting or Down.</param>
/// <param name="IsReachable">False when others miss its heartbeats.</param>
/// <param name="IsCoordinator">True when it hosts the coordinator now.</param>
/// <param name="IsSelf">True for this process.</param>
public sealed record MemberSnapshot(
    string Address,
    IReadOnlyList<string> Roles,
    string Status,
    bool IsReachable,
    bool IsCoordinator,
    bool IsSelf
);
