using System.Diagnostics.CodeAnalysis;

namespace Ppsd.Actors.Cluster.Partitions;

/// <summary>
/// Decides whether lost reachability is a clean split, which Akka's resolver handles, or a one-way loss for
/// <see cref="PartitionVote"/>, and whether it has lasted long enough for a verdict. Pure; one owner.
/// </summary>
/// <param name="self">The member that watches.</param>
/// <param name="stableAfter">How long the state must stay unchanged before a verdict.</param>
/// <param name="oldestMayBeAlone">See <see cref="PartitionVote"/>.</param>
internal sealed class PartitionWatch<TNode>(TNode self, TimeSpan stableAfter, bool oldestMayBeAlone, TimeProvider clock)
    where TNode : notnull
{
    private readonly HashSet<TNode> _hearers = [];
    private IReadOnlyList<VotedMember<TNode>> _members = [];
    private HashSet<BrokenPair<TNode>> _broken = [];
    private long _changedAt = clock.GetTimestamp();

    /// <summary>
    /// True while news of an unreachable member still arrives: it reports whom it cannot reach, or has seen the latest gossip. Members
    /// that are already down count too, because Akka's resolver would judge the members that those cannot reach.
    /// </summary>
    public bool IsOneWay
    {
        get
        {
            var observers = _broken.Select(pair => pair.Observer).ToHashSet();
            return _broken.Any(pair => observers.Contains(pair.Subject) || _hearers.Contains(pair.Subject));
        }
    }

    /// <summary>Records what this member sees now. To be called at each change.</summary>
    /// <param name="members">All members that are neither down nor leaving already, oldest first, this one included.</param>
    /// <param name="broken">Pairs that cannot reach each other, members that are down included.</param>
    /// <param name="hearers">Members that have seen this member's latest gossip, this one included.</param>
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
    /// The members that must leave; empty when it is too early, when Akka's resolver decides and when none must. A verdict is not
    /// repeated before the same time has passed again.
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

    /// <summary>Finds the member that is not reached, where it is the only one and the loss is not one-way.</summary>
    public bool TryFindLost([MaybeNullWhen(false)] out TNode lost)
    {
        var subjects = _broken
            .Select(pair => pair.Subject)
            .Where(subject => _members.Any(member => member.Id.Equals(subject)))
            .ToHashSet();
        lost = subjects.FirstOrDefault();
        return subjects.Count == 1 && !IsOneWay;
    }

    /// <summary>
    /// The members that must leave now that nothing listens at a lost member's address any more: itself; none when others are
    /// lost too, or when it would be the side that stays if it lived after all and a firewall answered for it.
    /// </summary>
    public IReadOnlySet<TNode> VerdictOnDead(TNode dead)
    {
        HashSet<TNode> verdict = [dead];
        var broken = _members
            .Where(member => !member.Id.Equals(dead))
            .Select(member => new BrokenPair<TNode>(member.Id, dead))
            .ToList();
        return
            TryFindLost(out var lost)
            && lost.Equals(dead)
            && verdict.SetEquals(PartitionVote.Leavers(_members, broken, self, oldestMayBeAlone))
            ? verdict
            : new HashSet<TNode>();
    }
}
