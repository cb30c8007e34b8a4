using Ppsd.Actors.Cluster.Partitions;

namespace Ppsd.Tests.Actors.Cluster.Partitions;

/// <summary>
/// Who leaves when members do not reach each other. Members are letters, oldest first; small ones do not count (clients,
/// newcomers). "AB" among the broken pairs: A does not reach B. One of them asks.
/// </summary>
[Parallelizable(ParallelScope.All)]
public sealed class PartitionVoteTests
{
    [TestCase("ABC", "", 'A', "", TestName = "Nobody_leaves_where_all_reach_each_other")]
    [TestCase("ABC", "BC CB", 'A', "C", TestName = "Of_two_that_do_not_reach_each_other_the_younger_leaves")]
    [TestCase("ABC", "BC CB", 'B', "C", TestName = "The_two_themselves_say_so_too")]
    [TestCase("ABC", "BC", 'C', "C", TestName = "It_does_not_matter_which_of_them_noticed")]
    [TestCase("ABC", "AC BC CA", 'A', "C", TestName = "One_that_hears_nobody_leaves_alone")]
    [TestCase("ABCD", "AC BC CA CB", 'D', "C", TestName = "One_that_several_do_not_reach_leaves_alone")]
    [TestCase("ABCD", "BC BD CB", 'A', "B", TestName = "Who_has_lost_most_leaves_though_it_is_older")]
    [TestCase("ABCD", "AB AC BA", 'D', "A", TestName = "The_oldest_leaves_when_it_has_lost_most")]
    [TestCase("ABC", "BA CA AB", 'B', "A", TestName = "The_oldest_leaves_when_it_is_alone_against_several")]
    [TestCase("ABC", "AB AC BA", 'A', "A", TestName = "The_oldest_leaves_by_itself_when_it_is_alone")]
    [TestCase("AB", "AB BA", 'A', "B", TestName = "Of_two_alone_the_older_has_the_younger_leave")]
    [TestCase("AB", "AB BA", 'B', "B", TestName = "Of_two_alone_the_younger_leaves")]
    [TestCase("ABCDE", "AC AD AE BC BD BE CA DB", 'A', "CDE", TestName = "The_side_of_the_oldest_stays")]
    [TestCase("ABCDE", "CA CB DA DB EA EB AC", 'D', "CDE", TestName = "The_other_side_leaves_by_itself")]
    [TestCase("ABCD", "AB BA CD DC", 'C', "BD", TestName = "Of_two_pairs_each_loses_the_younger")]
    [TestCase("ABCDE", "AD BD CD ED BC CB", 'A', "CD", TestName = "A_lost_member_and_a_pair_are_judged_together")]
    [TestCase("ABc", "Bc cB", 'A', "c", TestName = "A_client_leaves_before_a_stage")]
    [TestCase("aBC", "aB Ba", 'C', "a", TestName = "An_older_client_too")]
    [TestCase("ABcde", "Bc cB Bd dB eB", 'A', "cde", TestName = "Clients_do_not_outvote_a_stage")]
    [TestCase("ABCd", "BC Bd", 'A', "Cd", TestName = "Clients_do_not_decide_which_stage_leaves")]
    [TestCase("ABCd", "BC Cd", 'A', "C", TestName = "A_client_stays_when_the_stage_leaves_that_it_has_lost")]
    [TestCase("Abc", "bc cb", 'A', "c", TestName = "Of_two_clients_the_younger_leaves")]
    [TestCase("AB", "AC CA CB", 'A', "", TestName = "Pairs_with_members_that_are_down_already_count_for_nothing")]
    [TestCase("ab", "ab ba", 'a', "a", TestName = "Where_nobody_counts_each_side_leaves")]
    public void Verdicts(string members, string broken, char self, string leavers) =>
        Assert.That(Leavers(members, broken, self), Is.EqualTo(leavers));

    [Test]
    public void An_oldest_that_may_be_alone_stays()
    {
        Assert.That(Leavers("ABC", "BA CA AB", 'B', oldestMayBeAlone: true), Is.EqualTo("BC"));
        Assert.That(Leavers("ABC", "AB AC BA", 'A', oldestMayBeAlone: true), Is.EqualTo("BC"));
    }

    /// <summary>Sides that hear nothing of each other come to one verdict, or both would stay, or none.</summary>
    [Test]
    public void Both_sides_of_every_split_name_the_same_side([Values("ABCDE", "AbCdE", "aBcDe", "ABc")] string members)
    {
        for (var split = 1; split < (1 << members.Length) - 1; split++)
        {
            var one = string.Concat(members.Where((_, i) => (split >> i & 1) == 1));
            var other = string.Concat(members.Except(one));
            var broken = string.Join(' ', one.SelectMany(a => other.Select(b => $"{a}{b} {b}{a}")));
            var verdict = Leavers(members, broken, one[0]);
            Assert.That(verdict, Is.EqualTo(one).Or.EqualTo(other), $"{one} against {other}");
            Assert.That(Leavers(members, broken, other[^1]), Is.EqualTo(verdict), $"{one} against {other}");
        }
    }

    private static string Leavers(string members, string broken, char self, bool oldestMayBeAlone = false)
    {
        var leavers = PartitionVote.Leavers(
            [.. members.Select(member => new VotedMember<char>(member, char.IsUpper(member)))],
            [
                .. broken
                    .Split(' ', StringSplitOptions.RemoveEmptyEntries)
                    .Select(pair => new BrokenPair<char>(pair[0], pair[1])),
            ],
            self,
            oldestMayBeAlone
        );
        return string.Concat(members.Where(leavers.Contains));
    }
}
