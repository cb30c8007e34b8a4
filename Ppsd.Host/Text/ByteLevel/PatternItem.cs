namespace Ppsd.Host.Text.ByteLevel;

/// <summary>
/// A piece of a regular expression: a character, an escape sequence, or a range within a class. Only as much of the syntax
/// is known as it takes to find the characters that a pattern names, where it is <see cref="OnigurumaPattern"/>'s or an
/// escaped literal.
/// </summary>
/// <param name="Text">As the pattern spells it.</param>
/// <param name="First">The first character it names; above <see cref="Last"/> when it names none.</param>
/// <param name="IsInClass">Whether it stands within brackets.</param>
internal readonly record struct PatternItem(string Text, int First, int Last, bool IsInClass)
{
    /// <summary>The pieces of a pattern in order; together they are the pattern.</summary>
    public static IEnumerable<PatternItem> Of(string pattern)
    {
        var isInClass = false;
        for (var i = 0; i < pattern.Length; )
        {
            var start = i;
            var (first, length) = Read(pattern, i);
            i += length;
            if (!isInClass)
            {
                isInClass = first == '[' && length == 1;
                yield return new PatternItem(pattern[start..i], first, first, IsInClass: false);
                continue;
            }

            if (first == ']' && length == 1)
            {
                isInClass = false;
                yield return new PatternItem("]", ']', ']', IsInClass: false);
                continue;
            }

            var last = first;
            if (first >= 0 && i + 1 < pattern.Length && pattern[i] == '-' && pattern[i + 1] != ']')
            {
                var (end, endLength) = Read(pattern, i + 1);
                if (end >= first)
                {
                    last = end;
                    i += 1 + endLength;
                }
            }

            yield return new PatternItem(pattern[start..i], first, last, IsInClass: true);
        }
    }

    // The character that begins here, or -1 for an escape sequence that names none, and how long it is spelled.
    private static (int Character, int Length) Read(string pattern, int at)
    {
        if (pattern[at] != '\\' || at + 1 == pattern.Length)
        {
            return at + 1 < pattern.Length && char.IsSurrogatePair(pattern[at], pattern[at + 1])
                ? (char.ConvertToUtf32(pattern[at], pattern[at + 1]), 2)
                : (pattern[at], 1);
        }

        var next = pattern[at + 1];
        if (next is 'p' or 'P' && pattern.IndexOf('}', at) is var close and >= 0)
        {
            return (-1, close - at + 1);
        }

        if (next == 'u')
        {
            return (Convert.ToInt32(pattern.Substring(at + 2, 4), 16), 6);
        }

        return (char.IsAsciiLetterOrDigit(next) ? -1 : next, 2);
    }
}
