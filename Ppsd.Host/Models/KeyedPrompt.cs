namespace Ppsd.Host.Models;

/// <summary>Prompts for measurements: token ids that look random and are the same every time.</summary>
internal static class KeyedPrompt
{
    /// <summary>A prompt.</summary>
    /// <param name="number">Which one; others differ.</param>
    /// <param name="length">Tokens.</param>
    /// <param name="vocabSize">Ids are below it.</param>
    public static int[] Create(int number, int length, int vocabSize)
    {
        var prompt = new int[length];
        for (var i = 0; i < length; i++)
        {
            prompt[i] = (int)(Mix(((ulong)number << 32) | (uint)i) % (ulong)vocabSize);
        }

        return prompt;
    }

    /// <summary>SplitMix64's output function (Steele, Lea and Flood 2014) of a counter.</summary>
    private static ulong Mix(ulong counter)
    {
        var z = (counter + 1) * 0x9E3779B97F4A7C15;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }
}
