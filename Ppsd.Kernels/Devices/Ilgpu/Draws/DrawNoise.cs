using Ppsd.Kernels.Devices.Ilgpu.Lane;
using Ppsd.Kernels.Sampling;

namespace Ppsd.Kernels.Devices.Ilgpu.Draws;

/// <summary><see cref="GumbelNoise"/> in kernels, bit for bit.</summary>
internal static class DrawNoise
{
    /// <summary>Noise of the tokens from four times <paramref name="counter"/> on.</summary>
    public static Float4 Of(ulong seed, int position, int counter)
    {
        var word0 = (uint)counter;
        var word1 = (uint)position;
        var word2 = 0u;
        var word3 = 0u;
        Philox.Generate(ref word0, ref word1, ref word2, ref word3, seed);
        return new Float4
        {
            X = FromBits(word0),
            Y = FromBits(word1),
            Z = FromBits(word2),
            W = FromBits(word3),
        };
    }

    /// <summary>Noise made of a random word.</summary>
    public static float FromBits(uint bits)
    {
        var u = UnfusedMath.Multiply((int)(bits >> GumbelNoise.UnusedBits), GumbelNoise.Unit);
        return -DeviceMath.Log(-DeviceMath.Log(UnfusedMath.Add(u, GumbelNoise.Unit / 2)));
    }
}
