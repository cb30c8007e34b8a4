using Ppsd.Actors.Cluster.Partitions;
using Ppsd.Tests.Support;

namespace Ppsd.Tests.Actors.Cluster.Partitions;

/// <summary>Whether members that do not reach each other are Akka's affair, and when a verdict is due.</summary>
public sealed class PartitionWatchTests
{
    private const long Second = 1_000_000;

    private readonly ManualClock _clock = new();
    private PartitionWatch<char> _watch = null!;

    [SetUp]
    public void Begin() =>
        _watch = new PartitionWatch<char>('A', TimeSpan.FromSeconds(3), oldestMayBeAlone: false, _clock);

    [Test]
    public void A_clean_split_is_left_to_akka()
    {
        Note("ABC", "AC BC", "AB");
        _clock.Advance(10 * Second);
        Note("ABC", "AC BC", "AB");
        Assert.That(_watch.IsOneWay, Is.False);
        Assert.That(_watch.Verdict(), Is.Empty);
    }

    [TestCase("AC CA", "AB", TestName = "One_way_is_who_says_whom_it_does_not_reach")]
    [TestCase("AC", "ABC", TestName = "One_way_is_who_takes_note_though_it_is_not_reached")]
    public void One_way(string broken, string hearers)
    {
        Note("ABC", broken, hearers);
        Assert.That(_watch.IsOneWay, Is.True);
    }

    [Test]
    public void A_verdict_waits_until_nothing_has_changed_for_long_enough()
    {
        Note("ABC", "BC CB", "ABC");
        _clock.Advance(2 * Second);
        Note("ABC", "BC CB AC", "ABC");
        _clock.Advance(2 * Second);
        Assert.That(_watch.Verdict(), Is.Empty);
        _clock.Advance(1 * Second);
        Assert.That(_watch.Verdict(), Is.EquivalentTo("C"));
        Assert.That(_watch.Verdict(), Is.Empty, "it has just been given");
    }

    [TestCase("ABC", "AC BC", "AB", true, TestName = "Who_is_reached_by_none_is_lost")]
    [TestCase("ABC", "AC", "AB", true, TestName = "Who_is_not_reached_by_one_of_them_is_lost")]
    [TestCase("ABC", "AC AB", "A", false, TestName = "Two_lost_members_may_be_the_other_side_of_a_split")]
    [TestCase("ABC", "AC", "ABC", false, TestName = "Who_takes_note_is_not_lost")]
    [TestCase("AB", "AC", "AB", false, TestName = "Who_is_no_member_any_more_is_not_lost")]
    [TestCase("ABC", "", "ABC", false, TestName = "Who_is_reached_by_all_is_not_lost")]
    public void Lost(string members, string broken, string hearers, bool isLost)
    {
        Note(members, broken, hearers);
        Assert.That(_watch.TryFindLost(out var lost), Is.EqualTo(isLost));
        Assert.That(!isLost || lost == 'C');
    }

    /// <summary>If it lived after all, because a firewall answered for it, it would leave by the same rule.</summary>
    [TestCase("CAB", "AC BC", "C", TestName = "A_dead_member_leaves_at_once_be_it_the_oldest")]
    [TestCase("AC", "AC", "C", TestName = "A_dead_member_leaves_at_once_where_one_that_is_older_is_left")]
    [TestCase("CA", "AC", "", TestName = "The_oldest_does_not_leave_one_other_at_once")]
    [TestCase("CAb", "AC", "", TestName = "The_oldest_does_not_leave_one_other_and_clients_at_once")]
    [TestCase("ABC", "AB AC", "", TestName = "A_member_that_is_not_the_only_one_lost_does_not_leave_at_once")]
    public void On_dead(string members, string broken, string leavers)
    {
        Note(members, broken, "A");
        Assert.That(_watch.VerdictOnDead('C'), Is.EquivalentTo(leavers));
    }

    [Test]
    public void Nobody_leaves_when_the_link_heals_before_the_verdict()
    {
        Note("ABC", "BC CB", "ABC");
        _clock.Advance(2 * Second);
        Note("ABC", "", "ABC");
        _clock.Advance(10 * Second);
        Note("ABC", "", "ABC");
        Assert.That(_watch.IsOneWay, Is.False);
        Assert.That(_watch.Verdict(), Is.Empty);
    }

    /// <summary>Gossip that is new has been taken note of by few.</summary>
    [Test]
    public void Who_has_taken_note_once_since_the_last_change_need_not_do_so_again()
    {
        Note("ABC", "BC", "ABC");
        Note("ABC", "BC", "A");
        Assert.That(_watch.IsOneWay, Is.True);
        Note("ABC", "BC AC", "AB");
        Assert.That(_watch.IsOneWay, Is.False, "it may have gone since");
    }

    /// <summary>What a node that is down says goes round until it is removed, and nobody has to leave for it.</summary>
    [Test]
    public void A_member_that_is_down_and_lingers_costs_nobody_else()
    {
        Note("ABC", "AC BC CB", "AB");
        _clock.Advance(3 * Second);
        Assert.That(_watch.Verdict(), Is.EquivalentTo("C"));
        for (var time = 0; time < 10; time++)
        {
            Note("AB", "AC BC CB", "AB");
            _clock.Advance(3 * Second);
            Assert.That(_watch.IsOneWay, Is.True, "Akka's resolver would have B leave");
            Assert.That(_watch.Verdict(), Is.Empty);
        }
    }

    private void Note(string members, string broken, string hearers) =>
        _watch.Note(
            [.. members.Select(member => new VotedMember<char>(member, char.IsUpper(member)))],
            [
                .. broken
                    .Split(' ', StringSplitOptions.RemoveEmptyEntries)
                    .Select(pair => new BrokenPair<char>(pair[0], pair[1])),
            ],
            hearers
        );
}
