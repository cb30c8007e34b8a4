namespace Ppsd.Actors.Cluster.Partitions;

/// <summary>
/// Whether members that do not reach each other are a clean split, which Akka's resolver decides, or a <see cref="PartitionVote"/>'s
/// affair, and whether that has lasted long enough for a verdict. Pure; one owner.
/// </summary>
/// <param name="self">The member that watches.</param>
/// <param name="stableAfter">How long nothing may change before a verdict.</param>
/// <param name="oldestMayBeAlone">See <see cref="PartitionVote"/>.</param>
internal sealed class PartitionWatch<TNode>(TNode self, TimeSpan stableAfter, bool oldestMayBeAlone, TimeProvider clock)
    where TNode : notnull
{
    private readonly HashSet<TNode> _hearers = [];
    private IReadOnlyList<VotedMember<TNode>> _members = [];
    private HashSet<BrokenPair<TNode>> _broken = [];
    private long _changedAt = clock.GetTimestamp();

    /// <summary>
    /// True while somebody who is not reached is heard of all the same: it says whom it does not reach, or has taken note of what
    /// is said here. Members that are down already count, as Akka's resolver would take those that they do not reach for ill.
    /// </summary>
    public bool IsOneWay
    {
        get
        {
            var observers = _broken.Select(pair => pair.Observer).ToHashSet();
            return _broken.Any(pair => observers.Contains(pair.Subject) || _hearers.Contains(pair.Subject));
        }
    }

    /// <summary>
    /// What this member sees now, to be called at each change.
    /// </summary>
    /// <param name="members">All that are neither down nor leaving the cluster anyway, oldest first; itself among them.</param>
    /// <param name="broken">Who does not reach whom, members that are down included.</param>
    /// <param name="hearers">Who has taken note of the latest that is said here, this one included.</param>
    public void Note(
        IReadOnlyList<VotedMember<TNode>> members,
        IReadOnlyCollection<BrokenPair<TNode>> broken,
        IEnumerable<TNode> hearers
    )
    {
        if (!_broken.SetEquals(broken) || !_members.SequenceEqual(members))
        {
            (_members, _broken) = (members, [.. broken]);
            _changedAt = clock.GetTimestamp();
            _hearers.Clear();
        }

        _hearers.UnionWith(hearers);
    }

    /// <summary>
    /// Who has to leave; empty while it is too early, where Akka's resolver decides and where nobody has to. Is not repeated before
    /// the same time has passed again.
    /// </summary>
    public IReadOnlySet<TNode> Verdict()
    {
        if (!IsOneWay || clock.GetElapsedTime(_changedAt) < stableAfter)
        {
            return new HashSet<TNode>();
        }

        _changedAt = clock.GetTimestamp();
        return PartitionVote.Leavers(_members, _broken, self, oldestMayBeAlone);
    }
}
