using System.Globalization;
using System.Text;

namespace Ppsd.Host.Text.ChatTemplates.Values;

/// <summary>Prints values as Python's str and repr do.</summary>
internal static class ValuePrinter
{
    /// <summary>str: a string as it is, undefined as nothing, everything else as repr.</summary>
    /// <exception cref="TemplateFaultException">The value has no text, or is nested too deeply.</exception>
    public static string Print(object? value, RenderBudget budget)
    {
        switch (value)
        {
            case string text:
                return text;
            case Undefined:
                return "";
            default:
                var result = new StringBuilder();
                Represent(value, result, budget, depth: 0);
                return result.ToString();
        }
    }

    /// <summary>repr</summary>
    /// <exception cref="TemplateFaultException">The value has no text, or is nested too deeply.</exception>
    public static string Represent(object? value, RenderBudget budget)
    {
        var result = new StringBuilder();
        Represent(value, result, budget, depth: 0);
        return result.ToString();
    }

    private static void Represent(object? value, StringBuilder result, RenderBudget budget, int depth)
    {
        RenderBudget.CheckDepth(depth);
        RenderBudget.CheckLength(result.Length);
        budget.Step();
        switch (value)
        {
            case null:
                result.Append("None");
                break;
            case Undefined:
                result.Append("Undefined");
                break;
            case bool truth:
                result.Append(truth ? "True" : "False");
                break;
            case long number:
                result.Append(CultureInfo.InvariantCulture, $"{number}");
                break;
            case double number:
                result.Append(PythonNumbers.Print(number));
                break;
            case string text:
                budget.Text(text.Length);
                Quote(text, result);
                break;
            case TemplateList { Kind: not TemplateList.Kinds.Generator } list:
                RepresentList(list, result, budget, depth);
                break;
            case TemplateMap map:
                RepresentMap(map, result, budget, depth);
                break;
            default:
                throw new TemplateFaultException($"{ValueNames.Of(value)} has no text");
        }
    }

    private static void RepresentList(TemplateList list, StringBuilder result, RenderBudget budget, int depth)
    {
        var isTuple = list.Kind == TemplateList.Kinds.Tuple;
        result.Append(isTuple ? '(' : '[');
        foreach (var (index, item) in list.Items.Index())
        {
            result.Append(index > 0 ? ", " : "");
            Represent(item, result, budget, depth + 1);
        }

        result.Append(isTuple && list.Items.Count == 1 ? "," : "").Append(isTuple ? ')' : ']');
    }

    private static void RepresentMap(TemplateMap map, StringBuilder result, RenderBudget budget, int depth)
    {
        result.Append('{');
        foreach (var (index, (key, value)) in map.Entries.Index())
        {
            result.Append(index > 0 ? ", " : "");
            Represent(key, result, budget, depth + 1);
            result.Append(": ");
            Represent(value, result, budget, depth + 1);
        }

        result.Append('}');
    }

    // In single quotes, unless only those occur in the text.
    private static void Quote(string text, StringBuilder result)
    {
        var quote = text.Contains('\'') && !text.Contains('"') ? '"' : '\'';
        result.Append(quote);
        foreach (var character in text.EnumerateRunes())
        {
            result.Append(
                character.Value switch
                {
                    '\n' => "\\n",
                    '\r' => "\\r",
                    '\t' => "\\t",
                    '\\' => "\\\\",
                    var value when value == quote => $"\\{quote}",
                    var value when IsPrintable(character) => character.ToString(),
                    <= 0xFF and var value => $"\\x{value:x2}",
                    <= 0xFFFF and var value => $"\\u{value:x4}",
                    var value => $"\\U{value:x8}",
                }
            );
        }

        result.Append(quote);
    }

    // str.isprintable: neither a separator other than the space, nor a control or unassigned character.
    private static bool IsPrintable(Rune character) =>
        character.Value == ' '
        || Rune.GetUnicodeCategory(character)
            is not (
                UnicodeCategory.SpaceSeparator
                or UnicodeCategory.LineSeparator
                or UnicodeCategory.ParagraphSeparator
                or UnicodeCategory.Control
                or UnicodeCategory.Format
                or UnicodeCategory.Surrogate
                or UnicodeCategory.PrivateUse
                or UnicodeCategory.OtherNotAssigned
            );
}
