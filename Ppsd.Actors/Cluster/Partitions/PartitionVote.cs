namespace Ppsd.Actors.Cluster.Partitions;

/// <summary>A member as a <see cref="PartitionVote"/> knows it.</summary>
/// <typeparam name="TNode">What identifies it.</typeparam>
/// <param name="Id">The member.</param>
/// <param name="Counts">True for a member that is up and may host the coordinator: clients and newcomers do not count.</param>
internal sealed record VotedMember<TNode>(TNode Id, bool Counts);

/// <summary>A member that does not reach another one.</summary>
/// <param name="Observer">The member that hears no answer.</param>
/// <param name="Subject">The member that does not answer.</param>
internal readonly record struct BrokenPair<TNode>(TNode Observer, TNode Subject);

/// <summary>
/// Decides which members leave a cluster when some members cannot reach each other but gossip still arrives, as when a link carries
/// one direction only. Akka's resolver would remove all members that take part, healthy ones too. Pure.
/// </summary>
/// <remarks>
/// Members that no chain of working pairs connects with the asking member see a clean split and decide for themselves. Such sides are
/// judged by the rule of <c>keep-oldest</c>, so that both sides reach the same verdict. Connected members share what they know and can
/// follow any common rule: the fewest members leave that make the rest reach each other. When two members cannot reach each other,
/// neither hears an answer and nobody can tell whose link is broken; the younger one leaves.
/// </remarks>
internal static class PartitionVote
{
    /// <summary>The members that must leave; empty when none must.</summary>
    /// <param name="members">All members that are neither down nor leaving already, oldest first.</param>
    /// <param name="broken">Pairs that cannot reach each other; pairs with other nodes than the members are ignored.</param>
    /// <param name="self">The member that asks.</param>
    /// <param name="oldestMayBeAlone">True when the oldest member stays even where it is alone against several.</param>
    public static IReadOnlySet<TNode> Leavers<TNode>(
        IReadOnlyList<VotedMember<TNode>> members,
        IReadOnlyCollection<BrokenPair<TNode>> broken,
        TNode self,
        bool oldestMayBeAlone
    )
        where TNode : notnull
    {
        // Each member's age rank, 0 for the oldest. On a tie the greater rank leaves.
        var ages = members.Select((member, age) => (member.Id, age)).ToDictionary(pair => pair.Id, pair => pair.age);
        var pairs = broken
            .Where(pair => ages.ContainsKey(pair.Observer) && ages.ContainsKey(pair.Subject))
            .Select(pair => (One: ages[pair.Observer], Other: ages[pair.Subject]))
            .ToHashSet();
        var elsewhere = Enumerable.Range(0, members.Count).Except(ConnectedWith(ages[self])).ToHashSet();
        if (elsewhere.Count > 0 && !StaysHere(members, elsewhere, oldestMayBeAlone))
        {
            return members.Where((_, age) => !elsewhere.Contains(age)).Select(member => member.Id).ToHashSet();
        }

        var leavers = elsewhere;
        Thin(pair => members[pair.One].Counts && members[pair.Other].Counts);
        foreach (var (one, other) in Left().Where(pair => members[pair.One].Counts != members[pair.Other].Counts))
        {
            leavers.Add(members[one].Counts ? other : one);
        }

        Thin(_ => true);
        return leavers.Select(age => members[age].Id).ToHashSet();

        HashSet<int> ConnectedWith(int first)
        {
            HashSet<int> connected = [first];
            var next = new Queue<int>([first]);
            while (next.TryDequeue(out var one))
            {
                for (var other = 0; other < members.Count; other++)
                {
                    if (!pairs.Contains((one, other)) && !pairs.Contains((other, one)) && connected.Add(other))
                    {
                        next.Enqueue(other);
                    }
                }
            }

            return connected;
        }

        IEnumerable<(int One, int Other)> Left() =>
            pairs.Where(pair => !leavers.Contains(pair.One) && !leavers.Contains(pair.Other));

        // The member with the most broken pairs leaves first.
        void Thin(Func<(int One, int Other), bool> isMeant)
        {
            while (
                Left()
                    .Where(isMeant)
                    .SelectMany(pair => ((int, int)[])[(pair.One, pair.Other), (pair.Other, pair.One)])
                    .Distinct()
                    .CountBy(pair => pair.Item1)
                    .OrderBy(count => (count.Value, count.Key))
                    .Select(count => (int?)count.Key)
                    .LastOrDefault()
                    is { } most
            )
            {
                leavers.Add(most);
            }
        }
    }

    /// <summary>As Akka's <c>keep-oldest</c>: the side of the oldest, unless it is alone against several.</summary>
    private static bool StaysHere<TNode>(
        IReadOnlyList<VotedMember<TNode>> members,
        HashSet<int> elsewhere,
        bool oldestMayBeAlone
    )
    {
        var counting = Enumerable.Range(0, members.Count).Where(age => members[age].Counts).ToList();
        if (counting.Count == 0)
        {
            return false;
        }

        var isOldestHere = !elsewhere.Contains(counting[0]);
        var beside = counting.Count(age => elsewhere.Contains(age) != isOldestHere);
        var isAlone = !oldestMayBeAlone && beside == 1 && counting.Count - beside >= 2;
        return isOldestHere != isAlone;
    }
}
