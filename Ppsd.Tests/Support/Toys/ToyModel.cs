using Ppsd.Actors.Ids;
using Ppsd.Actors.Messages;

namespace Ppsd.Tests.Support.Toys;

/// <summary>
/// A language model as a table: the distribution of the next token depends on the last two tokens, and the draw on
/// (seed, position) alone. Small enough to be computed by hand, and independent of the product's own sampler.
/// </summary>
internal sealed class ToyModel(int vocabSize, int tableSeed = 1)
{
    public int VocabSize { get; } = vocabSize;

    /// <summary>Probability of each token after a sequence.</summary>
    public double[] Distribution(IReadOnlyList<TokenId> sequence)
    {
        var last = sequence[^1].Value;
        var before = sequence.Count > 1 ? sequence[^2].Value : 0;
        var weights = new double[VocabSize];
        for (var token = 0; token < VocabSize; token++)
        {
            weights[token] = 1 + (Mix(tableSeed, last, before, token) % 100);
        }

        var total = weights.Sum();
        return [.. weights.Select(weight => weight / total)];
    }

    /// <summary>The target's token after a sequence.</summary>
    public TokenId Target(IReadOnlyList<TokenId> sequence, SamplingSettings sampling)
    {
        var distribution = Distribution(sequence);
        if (sampling.Temperature == 0f)
        {
            return new TokenId(Array.IndexOf(distribution, distribution.Max()));
        }

        var u = Mix((int)sampling.Seed, sequence.Count, 77, 13) / (double)uint.MaxValue;
        var reached = 0.0;
        for (var token = 0; token < VocabSize; token++)
        {
            reached += distribution[token];
            if (u < reached)
            {
                return new TokenId(token);
            }
        }

        return new TokenId(VocabSize - 1);
    }

    /// <summary>What plain decoding generates.</summary>
    public List<TokenId> Generate(IReadOnlyList<TokenId> prompt, int count, SamplingSettings sampling)
    {
        var sequence = prompt.ToList();
        for (var i = 0; i < count; i++)
        {
            sequence.Add(Target(sequence, sampling));
        }

        return sequence[prompt.Count..];
    }

    private static uint Mix(int a, int b, int c, int d)
    {
        // SplitMix64 over the four words.
        var x = (ulong)(uint)a;
        foreach (var word in (ReadOnlySpan<int>)[b, c, d])
        {
            x = (x ^ (uint)word) + 0x9E3779B97F4A7C15UL;
            x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9UL;
            x = (x ^ (x >> 27)) * 0x94D049BB133111EBUL;
            x ^= x >> 31;
        }

        return (uint)x;
    }
}
