using System.Text;
using System.Text.RegularExpressions;
using Ppsd.Host.Text.ChatTemplates.Values;

namespace Ppsd.Host.Text.ChatTemplates.Functions;

/// <summary>The filters title, indent, escape, wordcount and center.</summary>
internal static partial class TextFilters
{
    /// <summary>title: words begin after white space, a hyphen or an opening bracket, and not after an apostrophe.</summary>
    public static string Title(string text)
    {
        var result = new StringBuilder(text.Length);
        foreach (var part in WordStarts.Split(text))
        {
            var first = part.Length > 1 && char.IsSurrogatePair(part, 0) ? 2 : Math.Min(1, part.Length);
            result.Append(PythonCase.Upper(part[..first])).Append(PythonCase.Lower(part[first..]));
        }

        return result.ToString();
    }

    /// <summary>indent: lines after the first are moved to the right, blank ones only if asked.</summary>
    public static string Indent(string text, Arguments arguments, RenderBudget budget)
    {
        arguments.TryTake(0, "width", out var width);
        var indention = width switch
        {
            null => "    ",
            string given => given,
            long and >= 0 and <= 1000 => new string(' ', (int)(long)width),
            _ => throw new TemplateFaultException("indent: 'width' must be a string or a number up to 1000"),
        };
        var movesFirst = arguments.TakeTruth(1, "first");
        var movesBlank = arguments.TakeTruth(2, "blank");
        var lines = StringMethods.SplitLines(text + "\n", budget).Items;
        budget.Text(text.Length + ((long)indention.Length * lines.Count));
        var result = new StringBuilder(movesFirst ? indention : "");
        foreach (var (i, line) in lines.Cast<string>().Index())
        {
            result
                .Append(
                    i == 0 ? ""
                    : movesBlank || line.Length > 0 ? "\n" + indention
                    : "\n"
                )
                .Append(line);
        }

        return result.ToString();
    }

    /// <summary>escape: HTML's special characters as entities.</summary>
    public static string Escape(string text) =>
        text.Replace("&", "&amp;")
            .Replace(">", "&gt;")
            .Replace("<", "&lt;")
            .Replace("'", "&#39;")
            .Replace("\"", "&#34;");

    /// <summary>wordcount: runs of letters, digits and underscores.</summary>
    public static long CountWords(string text) => Words.Count(text);

    /// <summary>center: within a width of 80 unless one is given.</summary>
    public static string Center(string text, Arguments arguments, RenderBudget budget)
    {
        var width = arguments.TakeOptionalInteger(0, "width") ?? 80;
        return StringMethods.Justify(text, new Arguments("center", [width], []), '^', budget);
    }

    [GeneratedRegex(@"([-\s({\[<]+)")]
    private static partial Regex WordStarts { get; }

    [GeneratedRegex(@"\w+")]
    private static partial Regex Words { get; }
}
