namespace Ppsd.Host.Text.ChatTemplates.Values;

/// <summary>
/// Python's view of strings where it differs from .NET's: a string is a sequence of characters, not of UTF-16 units,
/// and white space includes four more separators.
/// </summary>
internal static class PythonText
{
    /// <summary>str.isspace of one character.</summary>
    public static bool IsSpace(char c) => char.IsWhiteSpace(c) || c is >= '\x1C' and <= '\x1F';

    /// <summary>str.strip(): without white space at both ends.</summary>
    public static string Trim(string text) => TrimEnd(TrimStart(text));

    /// <summary>str.lstrip()</summary>
    public static string TrimStart(string text)
    {
        var start = 0;
        while (start < text.Length && IsSpace(text[start]))
        {
            start++;
        }

        return text[start..];
    }

    /// <summary>str.rstrip()</summary>
    public static string TrimEnd(string text)
    {
        var end = text.Length;
        while (end > 0 && IsSpace(text[end - 1]))
        {
            end--;
        }

        return text[..end];
    }

    /// <summary>Number of characters of a string.</summary>
    public static int Length(string text)
    {
        var pairs = 0;
        for (var i = 0; i + 1 < text.Length; i++)
        {
            pairs += char.IsSurrogatePair(text[i], text[i + 1]) ? 1 : 0;
        }

        return text.Length - pairs;
    }

    /// <summary>The characters, each as a string.</summary>
    public static List<string> Characters(string text)
    {
        var characters = new List<string>(text.Length);
        for (var i = 0; i < text.Length; )
        {
            var length = i + 1 < text.Length && char.IsSurrogatePair(text[i], text[i + 1]) ? 2 : 1;
            characters.Add(text.Substring(i, length));
            i += length;
        }

        return characters;
    }

    /// <summary>The string from character <paramref name="start"/> to <paramref name="end"/>.</summary>
    public static string Slice(string text, int start, int end)
    {
        var from = UnitOf(text, start, 0, 0);
        return text[from..UnitOf(text, end, start, from)];
    }

    // The UTF-16 offset of a character, counted on from one whose offset is known.
    private static int UnitOf(string text, int character, int knownCharacter, int unit)
    {
        for (; knownCharacter < character; knownCharacter++)
        {
            unit += unit + 1 < text.Length && char.IsSurrogatePair(text[unit], text[unit + 1]) ? 2 : 1;
        }

        return unit;
    }
}
