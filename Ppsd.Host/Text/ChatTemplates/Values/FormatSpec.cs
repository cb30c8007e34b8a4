using System.Globalization;

namespace Ppsd.Host.Text.ChatTemplates.Values;

/// <summary>
/// How Python's format prints a value: <c>[[fill]align][sign][#][0][width][,][.precision][type]</c>
/// (https://docs.python.org/3/library/string.html#format-specification-mini-language).
/// </summary>
internal readonly record struct FormatSpec
{
    /// <summary>What fills the width.</summary>
    public string Fill { get; init; }

    /// <summary>Where the value stands: <c>&lt; &gt; ^ =</c>, or null for what is usual for its type.</summary>
    public char? Align { get; init; }

    /// <summary><c>+</c> or a space stands before a number that is not negative; <c>-</c>: nothing does.</summary>
    public char Sign { get; init; }

    /// <summary><c>#</c>: 0x and the like before the digits.</summary>
    public bool Alternate { get; init; }

    /// <summary>Least number of characters.</summary>
    public int Width { get; init; }

    /// <summary><c>,</c> or <c>_</c> between thousands; null for none.</summary>
    public char? Grouping { get; init; }

    /// <summary>Decimals, significant digits, or most characters of a string; null for the usual.</summary>
    public int? Precision { get; init; }

    /// <summary>The type's letter; null for the usual.</summary>
    public char? Type { get; init; }

    /// <summary>Reads a specification.</summary>
    /// <exception cref="TemplateFaultException">It is invalid, or its numbers are too large.</exception>
    public static FormatSpec Parse(string text)
    {
        var position = 0;
        var result = new FormatSpec { Fill = " ", Sign = '-' };
        if (text.Length > 1 && text[1] is '<' or '>' or '^' or '=')
        {
            result = result with { Fill = text[..1], Align = text[1] };
            position = 2;
        }
        else if (text.Length > 0 && text[0] is '<' or '>' or '^' or '=')
        {
            result = result with { Align = text[0] };
            position = 1;
        }

        if (TakeAny("+- ") is { } sign)
        {
            result = result with { Sign = sign };
        }

        result = result with { Alternate = TakeAny("#") is not null };
        if (TakeAny("0") is not null && result.Align is null)
        {
            result = result with { Fill = "0", Align = '=' };
        }

        result = result with { Width = TakeNumber() ?? 0, Grouping = TakeAny(",_") };
        if (TakeAny(".") is not null)
        {
            result = result with { Precision = TakeNumber() ?? throw Fault() };
        }

        result = result with { Type = TakeAny("sdboxXceEfFgG%") };
        var isFine =
            position == text.Length
            && result.Width <= RenderBudget.MaxLength
            && !(result.Precision > RealDigits.MaxPrecision)
            && !(result is { Grouping: not null, Fill: "0", Align: '=' });
        return isFine ? result : throw Fault();

        char? TakeAny(string characters) =>
            position < text.Length && characters.Contains(text[position]) ? text[position++] : null;

        int? TakeNumber()
        {
            var start = position;
            while (position < text.Length && char.IsAsciiDigit(text[position]))
            {
                position++;
            }

            return position == start ? null
                : int.TryParse(text.AsSpan(start, position - start), CultureInfo.InvariantCulture, out var number)
                    ? number
                : throw Fault();
        }

        TemplateFaultException Fault() => new($"the format '{text}' is not supported");
    }

    /// <summary>A text at its place within the width.</summary>
    /// <param name="sign">The sign of a number, before which <c>=</c> does not fill.</param>
    /// <param name="usual">The alignment when none is given.</param>
    public string Place(string sign, string body, char usual)
    {
        var align = Align ?? usual;
        var missing = Math.Max(0, Width - PythonText.Length(sign) - PythonText.Length(body));
        var left = align switch
        {
            '<' => 0,
            '^' => missing / 2,
            _ => missing,
        };
        var before = string.Concat(Enumerable.Repeat(Fill, left));
        var after = string.Concat(Enumerable.Repeat(Fill, missing - left));
        return align == '=' ? $"{sign}{before}{body}" : $"{before}{sign}{body}{after}";
    }
}
