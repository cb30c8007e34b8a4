using Ppsd.Kernels.Devices.Ilgpu.Lane;
using Ppsd.Kernels.Devices.Ilgpu.Products.Warpgroup;

namespace Ppsd.Tests.Kernels.Devices;

/// <summary>How the groups of a product share its tiles out.</summary>
public sealed class TileScheduleTests
{
    /// <summary>Few tiles, some waves and a rest, a rest that is nearly a wave, more groups than splits, LLaMA's shapes.</summary>
    [TestCase(1, 1, 132)]
    [TestCase(32, 1, 132)]
    [TestCase(96, 1, 132)]
    [TestCase(172, 4, 132)]
    [TestCase(250, 16, 132)]
    [TestCase(131, 1, 132)]
    [TestCase(7, 3, 8)]
    public void Every_split_of_every_tile_belongs_to_one_group_and_their_order_is_kept(
        int outputTiles,
        int rowTiles,
        int groups
    )
    {
        var schedule = TileSchedule.For(outputTiles, rowTiles, groups);
        var tiles = outputTiles * rowTiles;
        var owners = new int[tiles * RowSplits.Count];
        var prefixes = new int[tiles];
        for (var group = 0; group < groups; group++)
        {
            var last = -1;
            for (var walk = TileWalk.Begin(schedule, group, rowBlocks: 4); !walk.IsDone; walk.Next())
            {
                owners[walk.Tile * RowSplits.Count + walk.Split]++;
                Assert.That(walk.FirstOutputBlock, Is.EqualTo(walk.Tile / rowTiles * WarpgroupProductKernel.WarpCount));
                Assert.That(walk.FirstRowBlock, Is.EqualTo(walk.Tile % rowTiles * 4));
                Assert.That(walk.Tile * RowSplits.Count + walk.Split, Is.GreaterThan(last), "a group goes forwards");
                last = walk.Tile * RowSplits.Count + walk.Split;
                if (walk.EndsSegment && walk.IsPrefix)
                {
                    prefixes[walk.Tile]++;
                    Assert.That(walk.SegmentLength, Is.EqualTo(walk.Split + 1));
                }

                Assert.That(
                    walk.IsShared(schedule) || !walk.EndsSegment || walk.SegmentLength == RowSplits.Count,
                    "only the first tiles are shared"
                );
            }
        }

        Assert.That(owners, Has.All.EqualTo(1));
        Assert.That(prefixes, Has.All.EqualTo(1));
    }

    /// <summary>The busiest group has at most a split more than an equal share, or whole tiles where that costs no more.</summary>
    [TestCase(32, 1, 2)]
    [TestCase(96, 1, 6)]
    [TestCase(172, 1, 11)]
    [TestCase(250, 1, 16)]
    [TestCase(32, 4, 8)]
    [TestCase(172, 4, 42)]
    public void Shares_are_equal(int outputTiles, int rowTiles, int mostSplits)
    {
        const int Groups = 132;
        var schedule = TileSchedule.For(outputTiles, rowTiles, Groups);

        var most = Enumerable.Range(0, Groups).Max(Count);

        Assert.That(most, Is.EqualTo(mostSplits));

        int Count(int group)
        {
            var count = 0;
            for (var walk = TileWalk.Begin(schedule, group, rowBlocks: 4); !walk.IsDone; walk.Next())
            {
                count++;
            }

            return count;
        }
    }
}
