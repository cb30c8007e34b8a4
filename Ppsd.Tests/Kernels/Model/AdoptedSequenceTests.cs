using System.Runtime.InteropServices;
using Ppsd.Kernels.Cache;
using Ppsd.Kernels.Devices.Cpu;
using Ppsd.Kernels.Model;
using Ppsd.Kernels.Sampling;
using Ppsd.Tests.Support;

namespace Ppsd.Tests.Kernels.Model;

/// <summary>A sequence that goes on with another one's keys and values computes what that one would have.</summary>
public sealed class AdoptedSequenceTests
{
    private const int Length = 40;

    private static readonly int[] _tokens = [.. Enumerable.Range(0, Length).Select(i => 3 + i * 7 % 90)];

    [TestCase(1)]
    [TestCase(16)]
    [TestCase(29)]
    public void Rows_behind_adopted_tokens_have_the_bits_of_a_sequence_fed_whole(int kept)
    {
        using var backend = new CpuBackend(threads: 1);
        using var model = TestModels.Load(backend, TestModels.Tiny);
        model.Open(1, Length, promptLength: 1, new SamplingParameters());
        var whole = Feed(model, 1, 0, _tokens);
        model.Open(2, 30, promptLength: 1, new SamplingParameters());
        Feed(model, 2, 0, _tokens[..30]);
        model.Open(3, 20, promptLength: 1, new SamplingParameters());

        Assert.That(model.CountCommitted(2, [.. _tokens[..20], 1, 1]), Is.EqualTo(20));
        Assert.That(model.TryAdopt(2, 31, 4, Length, 1, new SamplingParameters()), Is.False, "30 are there");
        Assert.That(model.TryAdopt(9, 1, 4, Length, 1, new SamplingParameters()), Is.False, "nobody is there");
        Assert.That(model.TryAdopt(2, kept, 4, Length, 1, new SamplingParameters()));
        var rest = Feed(model, 4, kept, _tokens[kept..]);

        Assert.That(rest, Is.EqualTo(whole[(kept * model.HiddenSize)..]));
        Assert.That(model.IsOpen(2), Is.False);
        foreach (var sequence in (long[])[1, 3, 4])
        {
            model.Release(sequence);
        }

        Assert.That(model.FreeKvPages, Is.EqualTo(model.KvPageCount));
    }

    [Test]
    public void A_sequence_that_cannot_grow_stays_as_it_was()
    {
        using var backend = new CpuBackend(threads: 1);
        using var model = TestModels.Load(backend, TestModels.Tiny);
        model.Open(1, 16, promptLength: 1, new SamplingParameters());
        Feed(model, 1, 0, _tokens[..10]);
        var pages = model.FreeKvPages;

        Assert.That(
            () => model.TryAdopt(1, 10, 2, (pages + 2) * StageModel.KvPageSize, 1, new SamplingParameters()),
            Throws.TypeOf<KvCapacityException>()
        );
        Assert.That((model.IsOpen(1), model.IsOpen(2), model.FreeKvPages), Is.EqualTo((true, false, pages)));
        Assert.That(model.CountCommitted(1, _tokens), Is.EqualTo(10));
    }

    private static float[] Feed(StageModel model, long sequence, int first, int[] tokens)
    {
        model.BeginStep();
        for (var i = 0; i < tokens.Length; i++)
        {
            Assert.That(model.TryAppend(sequence, first + i, first + i - 1, tokens[i], isCertain: true));
        }

        Assert.That(model.Forward([], () => false));
        var hidden = new byte[tokens.Length * model.HiddenBytesPerRow];
        model.ReadHidden(hidden);
        return MemoryMarshal.Cast<byte, float>(hidden).ToArray();
    }
}
