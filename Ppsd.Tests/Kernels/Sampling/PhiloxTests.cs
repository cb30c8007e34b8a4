using System.Runtime.Intrinsics;
using Ppsd.Kernels.Sampling;

namespace Ppsd.Tests.Kernels.Sampling;

/// <summary>Known answers of Philox4x32-10 from the authors' Random123 distribution (file <c>kat_vectors</c>).</summary>
public sealed class PhiloxTests
{
    private static readonly object[] _knownAnswers =
    [
        new object[] { new uint[] { 0, 0, 0, 0 }, 0UL, new uint[] { 0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8 } },
        new object[]
        {
            new uint[] { 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff },
            0xffffffff_ffffffffUL,
            new uint[] { 0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd },
        },
        new object[]
        {
            new uint[] { 0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344 },
            0x299f31d0_a4093822UL,
            new uint[] { 0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1 },
        },
    ];

    [TestCaseSource(nameof(_knownAnswers))]
    public void Known_answers_come_out_in_every_lane(uint[] counter, ulong key, uint[] expected)
    {
        var word0 = Vector512.Create(counter[0]);
        var word1 = Vector512.Create(counter[1]);
        var word2 = Vector512.Create(counter[2]);
        var word3 = Vector512.Create(counter[3]);

        Philox.Generate(ref word0, ref word1, ref word2, ref word3, key);

        Assert.That(word0, Is.EqualTo(Vector512.Create(expected[0])));
        Assert.That(word1, Is.EqualTo(Vector512.Create(expected[1])));
        Assert.That(word2, Is.EqualTo(Vector512.Create(expected[2])));
        Assert.That(word3, Is.EqualTo(Vector512.Create(expected[3])));
    }

    [TestCaseSource(nameof(_knownAnswers))]
    public void Known_answers_come_out_of_one_counter(uint[] counter, ulong key, uint[] expected)
    {
        var (word0, word1, word2, word3) = (counter[0], counter[1], counter[2], counter[3]);

        Philox.Generate(ref word0, ref word1, ref word2, ref word3, key);

        Assert.That(new[] { word0, word1, word2, word3 }, Is.EqualTo(expected));
    }

    [Test]
    public void Lanes_do_not_mix()
    {
        var lanes = Vector512.Create(0u, 1u, 2u, 3u, 4u, 5u, 6u, 7u, 8u, 9u, 10u, 11u, 12u, 13u, 14u, 15u);
        var (word0, word1, word2, word3) = (lanes, Vector512.Create(7u), Vector512<uint>.Zero, Vector512<uint>.Zero);
        Philox.Generate(ref word0, ref word1, ref word2, ref word3, key: 42);

        for (var lane = 0u; lane < 16; lane++)
        {
            var alone0 = Vector512.Create(lane);
            var (alone1, alone2, alone3) = (Vector512.Create(7u), Vector512<uint>.Zero, Vector512<uint>.Zero);
            Philox.Generate(ref alone0, ref alone1, ref alone2, ref alone3, key: 42);
            Assert.That(
                (word0[(int)lane], word1[(int)lane], word2[(int)lane], word3[(int)lane]),
                Is.EqualTo((alone0[0], alone1[0], alone2[0], alone3[0]))
            );
        }
    }
}
