using System.Runtime.InteropServices;
using System.Text;

namespace Ppsd.Host.Text.ByteLevel;

/// <summary>
/// Unicode normalization form C (UAX #15). <see cref="string.Normalize()"/> returns its input when .NET runs without
/// ICU, as this program does, and the tokenizers of the Qwen family need the real thing.
/// </summary>
internal static class NfcNormalizer
{
    // Hangul syllables compose by arithmetic (The Unicode Standard, section 3.12).
    private const int SyllableBase = 0xAC00;
    private const int LeadBase = 0x1100;
    private const int VowelBase = 0x1161;
    private const int TrailBase = 0x11A7;
    private const int LeadCount = 19;
    private const int VowelCount = 21;
    private const int TrailCount = 28;
    private const int SyllableCount = LeadCount * VowelCount * TrailCount;

    // Below U+0300, the first combining mark, every text is in form C.
    private const char FirstMark = '\u0300';

    /// <summary>The text in form C; the same string when it has no character from U+0300 on.</summary>
    /// <param name="text">Text without lone surrogates.</param>
    public static string Normalize(string text)
    {
        if (!text.AsSpan().ContainsAnyExceptInRange('\0', (char)(FirstMark - 1)))
        {
            return text;
        }

        var characters = new List<int>(text.Length + 16);
        foreach (var rune in text.EnumerateRunes())
        {
            Decompose(rune.Value, characters);
        }

        Reorder(characters);
        return Compose(characters);
    }

    private static void Decompose(int character, List<int> result)
    {
        var syllable = character - SyllableBase;
        if (syllable is >= 0 and < SyllableCount)
        {
            var (rest, trail) = Math.DivRem(syllable, TrailCount);
            result.Add(LeadBase + (rest / VowelCount));
            result.Add(VowelBase + (rest % VowelCount));
            if (trail > 0)
            {
                result.Add(TrailBase + trail);
            }
        }
        else if (NfcData.Shared.TryDecompose(character, out var parts))
        {
            Decompose(parts.First, result);
            if (parts.Second != 0)
            {
                result.Add(parts.Second); // a second part never decomposes further
            }
        }
        else
        {
            result.Add(character);
        }
    }

    // Marks between starters are put in order of their class; those of one class keep their order.
    private static void Reorder(List<int> characters)
    {
        for (var start = 0; start < characters.Count; start++)
        {
            var end = start;
            while (end < characters.Count && NfcData.Shared.CombiningClass(characters[end]) != 0)
            {
                end++;
            }

            if (end - start > 1)
            {
                int[] sorted = [.. characters[start..end].OrderBy(NfcData.Shared.CombiningClass)];
                for (var i = 0; i < sorted.Length; i++)
                {
                    characters[start + i] = sorted[i];
                }
            }

            start = end;
        }
    }

    // Each character joins the last starter if they compose and nothing between them is in the way.
    private static string Compose(List<int> decomposed)
    {
        var characters = CollectionsMarshal.AsSpan(decomposed); // composed in place, never longer
        var starter = -1;
        var previousClass = 0;
        var count = 0;
        foreach (var character in characters)
        {
            var combiningClass = NfcData.Shared.CombiningClass(character);
            var adjacent = starter == count - 1;
            if (
                starter >= 0
                && (adjacent || (previousClass < combiningClass && previousClass != 0))
                && TryCompose(characters[starter], character, out var composite)
            )
            {
                characters[starter] = composite;
                continue;
            }

            if (combiningClass == 0)
            {
                starter = count;
            }

            previousClass = combiningClass;
            characters[count++] = character;
        }

        var result = new StringBuilder(count);
        foreach (var character in characters[..count])
        {
            result.Append(new Rune(character).ToString());
        }

        return result.ToString();
    }

    private static bool TryCompose(int first, int second, out int composite)
    {
        if (
            first - LeadBase is var lead and >= 0 and < LeadCount
            && second - VowelBase is var vowel and >= 0 and < VowelCount
        )
        {
            composite = SyllableBase + (((lead * VowelCount) + vowel) * TrailCount);
            return true;
        }

        var syllable = first - SyllableBase;
        if (
            syllable is >= 0 and < SyllableCount
            && syllable % TrailCount == 0
            && second - TrailBase is var trail and > 0 and < TrailCount
        )
        {
            composite = first + trail;
            return true;
        }

        return NfcData.Shared.TryCompose(first, second, out composite);
    }
}
