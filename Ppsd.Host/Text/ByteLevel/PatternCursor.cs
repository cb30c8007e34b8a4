using System.Globalization;
using System.Text;

namespace Ppsd.Host.Text.ByteLevel;

/// <summary>Reads a pattern of Oniguruma's syntax, from its beginning to its end.</summary>
internal sealed class PatternCursor(string pattern)
{
    private int _at;

    /// <summary>Whether all of it has been read.</summary>
    public bool IsAtEnd => _at >= pattern.Length;

    /// <summary>A unit that is still to be read; U+0000 behind the end.</summary>
    public char Peek(int ahead = 0) => _at + ahead < pattern.Length ? pattern[_at + ahead] : '\0';

    /// <summary>Reads one UTF-16 unit.</summary>
    public char Take() => pattern[_at++];

    /// <summary>Reads the text if it comes next.</summary>
    public bool TryTake(string text)
    {
        var isNext = string.CompareOrdinal(pattern, _at, text, 0, text.Length) == 0;
        _at += isNext ? text.Length : 0;
        return isNext;
    }

    /// <summary>Reads up to a text and that text; null where it does not come.</summary>
    public string? TakeUpTo(string end)
    {
        var found = pattern.IndexOf(end, Math.Min(_at, pattern.Length), StringComparison.Ordinal);
        if (found < 0)
        {
            return null;
        }

        var text = pattern[_at..found];
        _at = found + end.Length;
        return text;
    }

    /// <summary>Reads one character, which stands for itself.</summary>
    /// <exception cref="FormatException">The pattern ends here.</exception>
    public int TakeCharacter()
    {
        if (IsAtEnd)
        {
            throw Refusal("its end behind a \\", "a character there");
        }

        var unit = Take();
        return char.IsSurrogatePair(unit, Peek()) ? char.ConvertToUtf32(unit, Take()) : unit;
    }

    /// <summary>Reads <c>{n}</c>, <c>{n,m}</c>, <c>{n,}</c> or <c>{,m}</c>; null, and nothing read, for other text.</summary>
    public (string Least, string? Most)? TakeInterval()
    {
        var end = pattern.IndexOf('}', _at);
        var parts = end < 0 ? [] : pattern[(_at + 1)..end].Split(',');
        if (
            parts.Length is not (1 or 2)
            || parts.All(part => part.Length == 0)
            || parts.Any(part => !part.All(char.IsAsciiDigit))
        )
        {
            return null;
        }

        _at = end + 1;
        return (parts[0], parts.Length == 2 ? parts[1] : null);
    }

    /// <summary>Reads an escape sequence that names one character; false, and nothing read, for any other text.</summary>
    /// <exception cref="FormatException">It begins like one and cannot be read.</exception>
    public bool TryTakeEscapedCharacter(bool isInClass, out int character)
    {
        character = -1;
        if (Peek() != '\\' || _at + 1 == pattern.Length)
        {
            return false;
        }

        var next = Peek(1);
        var index = "tnrfvae".IndexOf(next, StringComparison.Ordinal);
        if (index >= 0 || (isInClass && next == 'b'))
        {
            _at += 2;
            character = index < 0 ? '\b' : "\t\n\r\f\v\a\u001B"[index];
        }
        else if (next is 'x' or 'u')
        {
            _at += 2;
            character = TakeNumber(next);
        }
        else if (next == '0' || (isInClass && next is >= '1' and <= '7'))
        {
            _at++;
            character = TakeOctal();
        }
        else if (!char.IsAsciiLetterOrDigit(next))
        {
            _at++;
            character = TakeCharacter();
        }

        return character >= 0;
    }

    /// <summary>A refusal: what was found in the pattern, and what is supported.</summary>
    public static FormatException Refusal(string found, string supported) =>
        new($"found {found}; supported: {supported}");

    // \xHH, \x{H...} or \uHHHH. Oniguruma takes \x80 and above for single bytes of UTF-8, which .NET cannot match.
    private int TakeNumber(char kind)
    {
        var start = _at;
        var isBraced = kind == 'x' && TryTake("{");
        var length = 0;
        while (
            length
                < (
                    isBraced ? 8
                    : kind == 'u' ? 4
                    : 2
                )
            && char.IsAsciiHexDigit(Peek(length))
        )
        {
            length++;
        }

        var isValid =
            int.TryParse(
                pattern.AsSpan(_at, length),
                NumberStyles.AllowHexSpecifier,
                CultureInfo.InvariantCulture,
                out var number
            )
            && Rune.IsValid(number)
            && (
                isBraced ? Peek(length) == '}'
                : kind == 'u' ? length == 4
                : number < 0x80
            );
        if (!isValid)
        {
            var shown = pattern.AsSpan(start, Math.Min(isBraced ? 12 : 4, pattern.Length - start));
            throw Refusal($"'\\{kind}{shown}'", @"\xHH up to 7F, \x{H...} and \uHHHH of Unicode characters");
        }

        _at += length + (isBraced ? 1 : 0);
        return number;
    }

    private int TakeOctal()
    {
        var number = 0;
        for (var digits = 0; digits < 3 && Peek() is >= '0' and <= '7'; digits++)
        {
            number = (number * 8) + (Take() - '0');
        }

        return number < 0x80 ? number : throw Refusal($"the byte {number} in octal digits", @"up to \177, or \x{H...}");
    }
}
