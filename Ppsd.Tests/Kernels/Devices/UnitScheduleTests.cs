using Ppsd.Kernels.Devices.Ilgpu.Products.Narrow;

namespace Ppsd.Tests.Kernels.Devices;

/// <summary>Who multiplies which row blocks of a matrix.</summary>
public sealed class UnitScheduleTests
{
    [Test]
    public void Every_row_block_belongs_to_one_unit_of_one_group()
    {
        for (var groups = 1; groups <= 9; groups++)
        {
            for (var blocks = 1; blocks <= 60; blocks++)
            {
                var schedule = UnitSchedule.For(blocks, groups);
                var owned = new int[blocks];
                for (var group = 0; group < schedule.Groups; group++)
                {
                    for (var unit = 0; unit < schedule.UnitCount(group); unit++)
                    {
                        for (var i = 0; i < schedule.BlockCount(group, unit); i++)
                        {
                            owned[schedule.FirstBlock(group, unit) + i]++;
                        }
                    }
                }

                Assert.That(owned, Is.All.EqualTo(1), $"{blocks} row blocks, {groups} groups");
                Assert.That(schedule.Groups, Is.InRange(1, groups));
            }
        }
    }

    /// <summary>Output and gate/up projections of a 7B model on 132 multiprocessors.</summary>
    [TestCase(256, 132, 2)]
    [TestCase(1376, 132, 11)]
    public void No_group_has_more_row_blocks_than_a_fair_share_rounded_up(int blocks, int groups, int most)
    {
        var schedule = UnitSchedule.For(blocks, 132);

        var shares = Enumerable
            .Range(0, schedule.Groups)
            .Select(group =>
                Enumerable.Range(0, schedule.UnitCount(group)).Sum(unit => schedule.BlockCount(group, unit))
            );

        Assert.That(schedule.Groups, Is.EqualTo(groups));
        Assert.That(shares.Max(), Is.EqualTo(most));
    }
}
