using System.Runtime.Intrinsics;
using Ppsd.Kernels.Devices.Ilgpu.Draws;
using Ppsd.Kernels.Devices.Ilgpu.Lane;
using Ppsd.Kernels.Sampling;

namespace Ppsd.Tests.Kernels.Sampling;

/// <summary>Host and kernels know the same exponentials, logarithms and noise, bit for bit, and the right ones.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class VectorMathTests
{
    [Test]
    public void Every_word_makes_the_same_finite_noise_in_kernels()
    {
        const uint Words = 1u << (32 - GumbelNoise.UnusedBits);
        var different = 0;
        var infinite = 0;
        for (var first = 0u; first < Words; first += 16)
        {
            var words = (Vector512.Create(first) + Vector512<uint>.Indices) << GumbelNoise.UnusedBits;
            var noise = GumbelNoise.FromBits(words);
            for (var lane = 0; lane < 16; lane++)
            {
                different += DrawNoise.FromBits(words[lane]).Equals(noise[lane]) ? 0 : 1;
                infinite += float.IsFinite(noise[lane]) ? 0 : 1;
            }
        }

        Assert.That((different, infinite), Is.EqualTo((0, 0)));
    }

    [Test]
    public void Noise_is_the_double_logarithm_of_the_word()
    {
        var random = new Random(1);
        for (var i = 0; i < 20_000; i++)
        {
            // Both ends, where a logarithm is steep, as often as the middle.
            var bits = (uint)random.NextInt64(1L << 32) >> random.Next(32);
            bits = i % 2 == 0 ? bits : ~bits;
            var u = ((bits >> GumbelNoise.UnusedBits) + 0.5) / (1 << 23);

            var exact = -Math.Log(-Math.Log(u));
            Assert.That(DrawNoise.FromBits(bits), Is.EqualTo(exact).Within(3e-7 * Math.Max(1, Math.Abs(exact))));
        }
    }

    [Test]
    public void Exponentials_and_logarithms_are_right_and_the_same_in_kernels()
    {
        var random = new Random(2);
        for (var i = 0; i < 200_000; i++)
        {
            var x = (float)(Math.Pow(random.NextDouble(), 3) * -100 + (i % 3 == 0 ? 88 : 0));
            var power = VectorMath.Exp(x);
            var exact = x > ExpSeries.Floor ? Math.Exp(x) : 0;
            Assert.That(power, Is.EqualTo(exact).Within(2e-7 * exact));
            Assert.That(DeviceMath.Exp(x), Is.EqualTo(power));
            if (power > 0)
            {
                Assert.That(VectorMath.Log(power), Is.EqualTo(Math.Log(power)).Within(1e-7 * Math.Max(1, Math.Abs(x))));
                Assert.That(DeviceMath.Log(power), Is.EqualTo(VectorMath.Log(power)));
            }
        }
    }

    [TestCase(float.NegativeInfinity)]
    [TestCase(-1000f)]
    [TestCase(-87f)]
    public void What_is_too_small_weighs_nothing(float x) =>
        Assert.That((VectorMath.Exp(x), DeviceMath.Exp(x)), Is.EqualTo((0f, 0f)));
}
