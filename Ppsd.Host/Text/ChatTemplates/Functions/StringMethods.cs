using System.Text;
using Ppsd.Host.Text.ChatTemplates.Values;

namespace Ppsd.Host.Text.ChatTemplates.Functions;

/// <summary>What Python's string methods do, where .NET has none that does the same.</summary>
internal static class StringMethods
{
    private static readonly char[] _lineEnds =
    [
        '\n',
        '\r',
        '\v',
        '\f',
        '\x1C',
        '\x1D',
        '\x1E',
        '\x85',
        '\u2028',
        '\u2029',
    ];

    /// <summary>strip, lstrip and rstrip: without white space, or without any of the characters given.</summary>
    public static string Strip(string text, Arguments arguments, bool atStart, bool atEnd)
    {
        if (arguments.TakeOptionalString(0, "chars") is { } chars)
        {
            return chars.Length == 0 ? text // to .NET, no characters means white space
                : chars.AsSpan().ContainsAnyInRange('\uD800', '\uDFFF') ? StripCharacters(text, chars, atStart, atEnd)
                : StripUnits(text, chars, atStart, atEnd);
        }

        return atStart && atEnd ? PythonText.Trim(text)
            : atStart ? PythonText.TrimStart(text)
            : PythonText.TrimEnd(text);
    }

    /// <summary>split and rsplit: at a separator or at white space, at most a number of times.</summary>
    /// <exception cref="TemplateFaultException">The separator is empty.</exception>
    public static TemplateList Split(string text, Arguments arguments, bool fromEnd, RenderBudget budget)
    {
        var separator = arguments.TakeOptionalString(0, "sep");
        var limit = arguments.TakeOptionalInteger(1, "maxsplit") ?? -1;
        if (separator is "")
        {
            throw new TemplateFaultException("split: the separator must not be empty");
        }

        var most = limit < 0 ? int.MaxValue : (int)Math.Min(limit, int.MaxValue);
        budget.Search(text.Length, separator?.Length ?? 0);
        IEnumerable<string> parts =
            separator is null ? SplitAtSpace(text, most, fromEnd)
            : fromEnd ? SplitFromEnd(text, separator, most)
            : text.Split(separator, Math.Max(most, most + 1));
        return Counted([.. parts], budget);
    }

    /// <summary>splitlines</summary>
    public static TemplateList SplitLines(string text, RenderBudget budget)
    {
        var lines = text.Replace("\r\n", "\n").Split(_lineEnds);
        return Counted(lines[^1].Length == 0 ? lines[..^1] : lines, budget);
    }

    /// <summary>startswith and endswith: one affix or a tuple of which any will do.</summary>
    /// <exception cref="TemplateFaultException">The affix is neither.</exception>
    public static bool Affix(string text, Arguments arguments, bool atEnd)
    {
        var affix = arguments.Take(0, "prefix");
        return affix switch
        {
            string one => Has(one),
            TemplateList { Kind: TemplateList.Kinds.Tuple } several => several.Items.OfType<string>().Any(Has),
            _ => throw new TemplateFaultException(
                $"startswith and endswith need a string, but were given {ValueNames.Of(affix)}"
            ),
        };

        bool Has(string one) =>
            atEnd ? text.EndsWith(one, StringComparison.Ordinal) : text.StartsWith(one, StringComparison.Ordinal);
    }

    /// <summary>
    /// replace: the first occurrences up to a count, or all; an empty one occurs around every character.
    /// </summary>
    public static string Replace(string text, string old, string replacement, long? count, RenderBudget budget)
    {
        var most = count is null or < 0 ? long.MaxValue : count.Value;
        budget.Search(text.Length, old.Length);
        if (old.Length == 0)
        {
            budget.List(text.Length);
        }

        var result = new StringBuilder();
        var position = 0;
        for (var done = 0L; done < most && NextOccurrence(text, old, position, done > 0) is var index and >= 0; done++)
        {
            budget.Text(index - position + replacement.Length);
            RenderBudget.CheckLength(result.Length);
            result.Append(text, position, index - position).Append(replacement);
            position = index + old.Length;
        }

        return result.Append(text, position, text.Length - position).ToString();
    }

    // Where the part occurs from a position on, or -1; the empty one occurs before every character and at the end.
    private static int NextOccurrence(string text, string part, int position, bool isLater)
    {
        if (part.Length > 0)
        {
            return text.IndexOf(part, position, StringComparison.Ordinal);
        }

        var next = position;
        if (isLater && position < text.Length)
        {
            next += position + 1 < text.Length && char.IsSurrogatePair(text, position) ? 2 : 1;
        }

        return isLater && position == text.Length ? -1 : next;
    }

    /// <summary>find and rfind: the first or last occurrence, counted in characters, or -1.</summary>
    public static long Find(string text, string part, bool fromEnd, RenderBudget budget)
    {
        var index = IndexOf(text, part, fromEnd, budget);
        return index < 0 ? -1 : PythonText.Length(text[..index]);
    }

    /// <summary>partition and rpartition: what stands before a separator, the separator, and what stands behind.</summary>
    /// <exception cref="TemplateFaultException">The separator is empty.</exception>
    public static TemplateList Partition(string text, string separator, bool fromEnd, RenderBudget budget)
    {
        if (separator.Length == 0)
        {
            throw new TemplateFaultException("partition: the separator must not be empty");
        }

        var index = IndexOf(text, separator, fromEnd, budget);
        object?[] parts =
            index >= 0 ? [text[..index], separator, text[(index + separator.Length)..]]
            : fromEnd ? ["", "", text]
            : [text, "", ""];
        return new TemplateList(parts, TemplateList.Kinds.Tuple);
    }

    /// <summary>ljust, rjust and center: filled up to a width.</summary>
    /// <exception cref="TemplateFaultException">What fills is not one character.</exception>
    public static string Justify(string text, Arguments arguments, char align, RenderBudget budget)
    {
        var width = Width(arguments, budget);
        var fill = arguments.TakeOptionalString(1, "fillchar") ?? " ";
        if (PythonText.Length(fill) != 1)
        {
            throw new TemplateFaultException("what fills a string must be one character");
        }

        // Python puts the odd character of an odd width to the left.
        var missing = Math.Max(0, width - PythonText.Length(text));
        var left =
            align == '<' ? 0
            : align == '>' ? missing
            : (missing / 2) + (missing & width & 1);
        return string.Concat([.. Enumerable.Repeat(fill, left), text, .. Enumerable.Repeat(fill, missing - left)]);
    }

    /// <summary>zfill: filled with zeros behind the sign.</summary>
    public static string ZeroFill(string text, Arguments arguments, RenderBudget budget)
    {
        var missing = Math.Max(0, Width(arguments, budget) - PythonText.Length(text));
        var sign = text.StartsWith('-') || text.StartsWith('+') ? 1 : 0;
        return text.Insert(sign, new string('0', missing));
    }

    private static int Width(Arguments arguments, RenderBudget budget)
    {
        var width = Math.Clamp(arguments.TakeInteger(0, "width"), 0, RenderBudget.MaxLength + 1L);
        budget.Text(width);
        return (int)width;
    }

    private static int IndexOf(string text, string part, bool fromEnd, RenderBudget budget)
    {
        budget.Search(text.Length, part.Length);
        return fromEnd
            ? text.LastIndexOf(part, StringComparison.Ordinal)
            : text.IndexOf(part, StringComparison.Ordinal);
    }

    /// <summary>count: how often a part occurs, without overlaps.</summary>
    public static long Count(string text, string part, RenderBudget budget)
    {
        budget.Search(text.Length, part.Length);
        return part.Length == 0 ? PythonText.Length(text) + 1 : text.AsSpan().Count(part);
    }

    /// <summary>join: the strings of a list with <paramref name="separator"/> between them.</summary>
    /// <exception cref="TemplateFaultException">The value is not a list of strings.</exception>
    public static string Join(string separator, object? value, RenderBudget budget)
    {
        var result = new StringBuilder();
        foreach (var (index, item) in new Sequences(budget).Elements(Operators.Defined(value)).Index())
        {
            var part =
                item as string ?? throw new TemplateFaultException($"join: {ValueNames.Of(item)} is not a string");
            budget.Text(part.Length + separator.Length);
            RenderBudget.CheckLength(result.Length);
            result.Append(index > 0 ? separator : "").Append(part);
        }

        return result.ToString();
    }

    /// <summary>removeprefix and removesuffix</summary>
    public static string Remove(string text, string affix, bool atEnd) =>
        affix.Length == 0 ? text
        : atEnd && text.EndsWith(affix, StringComparison.Ordinal) ? text[..^affix.Length]
        : !atEnd && text.StartsWith(affix, StringComparison.Ordinal) ? text[affix.Length..]
        : text;

    private static TemplateList Counted(string[] parts, RenderBudget budget)
    {
        budget.List(parts.Length);
        return new TemplateList(parts);
    }

    private static string StripUnits(string text, string chars, bool atStart, bool atEnd)
    {
        var rest = atStart ? text.AsSpan().TrimStart(chars) : text;
        return (atEnd ? rest.TrimEnd(chars) : rest).ToString();
    }

    // The same where a character may be two units, so that halves of different characters are not confused.
    private static string StripCharacters(string text, string chars, bool atStart, bool atEnd)
    {
        var set = PythonText.Characters(chars).ToHashSet();
        var characters = PythonText.Characters(text);
        var start = 0;
        while (atStart && start < characters.Count && set.Contains(characters[start]))
        {
            start++;
        }

        var end = characters.Count;
        while (atEnd && end > start && set.Contains(characters[end - 1]))
        {
            end--;
        }

        return string.Concat(characters[start..end]);
    }

    private static List<string> SplitFromEnd(string text, string separator, int most)
    {
        var parts = new List<string>();
        var end = text.Length;
        while (parts.Count < most && text.AsSpan(0, end).LastIndexOf(separator) is var index and >= 0)
        {
            parts.Add(text[(index + separator.Length)..end]);
            end = index;
        }

        parts.Add(text[..end]);
        parts.Reverse();
        return parts;
    }

    // Runs of white space separate, and none stands at either end of the result.
    private static List<string> SplitAtSpace(string text, int most, bool fromEnd)
    {
        var words = Words(text);
        if (words.Count <= most || words.Count == 0)
        {
            return [.. words.Select(word => text[word])];
        }

        // What exceeds the limit stays as it is, white space and all.
        return fromEnd
            ? [text[..words[^(most + 1)].End], .. words.TakeLast(most).Select(word => text[word])]
            : [.. words.Take(most).Select(word => text[word]), text[words[most].Start..]];
    }

    private static List<Range> Words(string text)
    {
        var words = new List<Range>();
        for (var end = 0; end < text.Length; end++)
        {
            var start = end;
            while (end < text.Length && !PythonText.IsSpace(text[end]))
            {
                end++;
            }

            if (end > start)
            {
                words.Add(start..end);
            }
        }

        return words;
    }
}
