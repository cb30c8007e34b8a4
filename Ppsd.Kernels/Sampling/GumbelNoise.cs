using System.Runtime.Intrinsics;

namespace Ppsd.Kernels.Sampling;

/// <summary>
/// Standard Gumbel noise keyed by (seed, position, token). argmax over tokens of logit + noise is an exact draw from
/// softmax(logit) (the Gumbel-max trick), and because the noise is keyed and not drawn in call order, every decode mode
/// draws the same token from the same logits.
/// </summary>
/// <remarks>
/// Tokens 4c..4c+3 take the four words of Philox counter (c, position, 0, 0) under the seed as key. A word's upper 23
/// bits, and half a unit more, make a uniform u in (0, 1), exactly; the noise is -ln(-ln u).
/// </remarks>
internal static class GumbelNoise
{
    /// <summary>Tokens whose noise <see cref="Fill"/> computes together.</summary>
    public const int BlockSize = 64;

    /// <summary>Bits of a word that make no noise.</summary>
    public const int UnusedBits = 9;

    /// <summary>Distance between two values of u. One bit more, and the largest u would round to 1: noise without bound.</summary>
    public const float Unit = 1f / (1 << 23);

    private static readonly Vector512<uint> _lane = Vector512.Create(
        0u,
        1u,
        2u,
        3u,
        4u,
        5u,
        6u,
        7u,
        8u,
        9u,
        10u,
        11u,
        12u,
        13u,
        14u,
        15u
    );

    /// <summary>Noise of the <see cref="BlockSize"/> tokens of block <paramref name="block"/>, in token order.</summary>
    public static void Fill(ulong seed, int position, int block, Span<float> noise)
    {
        var word0 = Vector512.Create((uint)block * 16) + _lane;
        var word1 = Vector512.Create((uint)position);
        var word2 = Vector512<uint>.Zero;
        var word3 = Vector512<uint>.Zero;
        Philox.Generate(ref word0, ref word1, ref word2, ref word3, seed);

        Span<float> byWord = stackalloc float[BlockSize];
        FromBits(word0).CopyTo(byWord);
        FromBits(word1).CopyTo(byWord[16..]);
        FromBits(word2).CopyTo(byWord[32..]);
        FromBits(word3).CopyTo(byWord[48..]);
        for (var counter = 0; counter < 16; counter++)
        {
            noise[counter * 4] = byWord[counter];
            noise[counter * 4 + 1] = byWord[16 + counter];
            noise[counter * 4 + 2] = byWord[32 + counter];
            noise[counter * 4 + 3] = byWord[48 + counter];
        }
    }

    /// <summary>Noise made of random words.</summary>
    public static Vector512<float> FromBits(Vector512<uint> bits)
    {
        var u = Vector512.ConvertToSingle((bits >> UnusedBits).AsInt32()) * Unit + Vector512.Create(Unit / 2);
        return -VectorMath.Log(-VectorMath.Log(u));
    }
}
