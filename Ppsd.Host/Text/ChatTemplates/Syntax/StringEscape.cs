using System.Globalization;
using System.Text;
using Ppsd.Host.Text.Tokens;

namespace Ppsd.Host.Text.ChatTemplates.Syntax;

/// <summary>The escape sequences of Python string literals.</summary>
internal static class StringEscape
{
    /// <summary>
    /// Reads one sequence, adds what it stands for to <paramref name="value"/> and returns where it ends.
    /// </summary>
    /// <param name="start">The backslash; a character follows it.</param>
    /// <param name="value">
    /// Receives the character. A sequence that Python does not know stays as it is, backslash and all.
    /// </param>
    /// <exception cref="TextException">The sequence is malformed, or names a character by <c>\N</c>.</exception>
    public static int Read(TemplateSource source, int start, StringBuilder value)
    {
        var c = source.Text[start + 1];
        switch (c)
        {
            case '\n':
                return start + 2;
            case 'x':
                return ReadHex(source, start, 2, value);
            case 'u':
                return ReadHex(source, start, 4, value);
            case 'U':
                return ReadHex(source, start, 8, value);
            case 'N':
                throw source.Error(start, "the escape sequence '\\N' is not supported");
            case >= '0' and <= '7':
                return ReadOctal(source.Text, start, value);
            default:
                const string Letters = "\\'\"abfnrtv";
                const string Characters = "\\'\"\a\b\f\n\r\t\v";
                var index = Letters.IndexOf(c);
                value.Append(index >= 0 ? Characters[index] : $"\\{c}");
                return start + 2;
        }
    }

    private static int ReadHex(TemplateSource source, int start, int digits, StringBuilder value)
    {
        var from = start + 2;
        if (
            from + digits > source.Text.Length
            || !int.TryParse(
                source.Text.AsSpan(from, digits),
                NumberStyles.AllowHexSpecifier,
                CultureInfo.InvariantCulture,
                out var character
            )
            || character is < 0 or > 0x10FFFF
        )
        {
            throw source.Error(start, $"the escape sequence needs {digits} hexadecimal digits");
        }

        // Half of a surrogate pair is not a character; two in a row may form one.
        value.Append(character < 0x10000 ? ((char)character).ToString() : char.ConvertFromUtf32(character));
        return from + digits;
    }

    private static int ReadOctal(string text, int start, StringBuilder value)
    {
        var character = 0;
        var position = start + 1;
        while (position < text.Length && position < start + 4 && text[position] is >= '0' and <= '7')
        {
            character = (character * 8) + (text[position++] - '0');
        }

        value.Append((char)character);
        return position;
    }
}
