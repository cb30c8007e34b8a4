using Ppsd.Kernels.Checkpoints.Configuration;
using Ppsd.Kernels.Checkpoints.Tensors;
using Ppsd.Kernels.Devices;

namespace Ppsd.Tests.Kernels.Devices;

/// <summary>Frequencies against those of transformers' formulas, worked out in Python.</summary>
public sealed class RotaryFrequencyTests
{
    private const int HeadSize = 16;

    [Test]
    public void Yarn_keeps_fast_pairs_divides_slow_ones_and_blends_between()
    {
        AssertAre(
            new RopeParameters(RopeKind.Yarn, 10_000, 8, OriginalMaxPositions: 64),
            position: 0,
            1.0,
            0.22399466759526024,
            0.04166666666666667,
            0.003952847075210474,
            0.00125,
            0.00039528470752104737,
            0.000125,
            3.952847075210474e-05
        );
        AssertAre(
            new RopeParameters(RopeKind.Yarn, 10_000, 4, OriginalMaxPositions: 512)
            {
                FastTurns = 16,
                SlowTurns = 2,
                RoundsBlend = false,
            },
            position: 0,
            1.0,
            0.31622776601683794,
            0.07566439439100797,
            0.010796108651350396,
            0.0025,
            0.0007905694150420947,
            0.00025,
            7.905694150420948e-05
        );
    }

    [Test]
    public void Dynamic_frequencies_fall_with_the_position_beyond_the_original_context()
    {
        var rope = new RopeParameters(RopeKind.Dynamic, 10_000, 4, OriginalMaxPositions: 64);
        double[] within =
        [
            1.0,
            0.31622776601683794,
            0.1,
            0.03162277660168379,
            0.01,
            0.003162277660168379,
            0.001,
            0.00031622776601683794,
        ];
        AssertAre(rope, 0, within);
        AssertAre(rope, 63, within);
        AssertAre(
            rope,
            position: 99,
            1.0,
            0.2672229816928558,
            0.07140812194482034,
            0.01908189126318194,
            0.0050991198796863325,
            0.0013626020182590979,
            0.00036411857417989924,
            9.730085108210398e-05
        );
    }

    [Test]
    public void Longrope_has_one_list_within_the_original_context_and_another_beyond()
    {
        var rope = new RopeParameters(RopeKind.LongRope, 10_000, 2, OriginalMaxPositions: 64)
        {
            ShortFactors = [1, 1, 1, 1, 1, 1, 1, 2],
            LongFactors = [1, 2, 3, 4, 5, 6, 7, 8],
        };
        AssertAre(
            rope,
            63,
            1.0,
            0.31622776601683794,
            0.1,
            0.03162277660168379,
            0.01,
            0.003162277660168379,
            0.001,
            0.00015811388300841897
        );
        AssertAre(
            rope,
            64,
            1.0,
            0.15811388300841897,
            0.1 / 3,
            0.0079056941504209,
            0.002,
            0.000527046276694730,
            0.001 / 7,
            0.0000395284707521047
        );
    }

    [Test]
    public void Cosines_and_sines_are_scaled_and_a_longer_table_begins_as_a_shorter_one()
    {
        var rope = new RopeParameters(RopeKind.Dynamic, 10_000, 4, OriginalMaxPositions: 8) { AttentionFactor = 1.25 };
        var table = new RotaryTable(rope, HeadSize, 20, ElementType.BFloat16);
        Assert.That(table.Cosines[0], Is.EqualTo(1.25f));
        Assert.That(table.Sines[8], Is.EqualTo(1.25f * (float)Math.Sin(1)).Within(1e-6));
        var shorter = new RotaryTable(rope, HeadSize, 12, ElementType.BFloat16);
        Assert.That(table.Cosines[..shorter.Cosines.Length], Is.EqualTo(shorter.Cosines));
    }

    private static void AssertAre(RopeParameters rope, int position, params double[] expected)
    {
        var frequencies = RotaryTable.Frequencies(rope, HeadSize, position);
        for (var i = 0; i < expected.Length; i++)
        {
            Assert.That(frequencies[i], Is.EqualTo(expected[i]).Within(1e-4).Percent, $"pair {i}");
        }
    }
}
