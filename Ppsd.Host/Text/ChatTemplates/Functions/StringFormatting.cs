using System.Globalization;
using System.Text;
using Ppsd.Host.Text.ChatTemplates.Values;

namespace Ppsd.Host.Text.ChatTemplates.Functions;

/// <summary><c>"{0} {name!r:>5}".format(...)</c></summary>
/// <param name="budget">Limits of one rendering.</param>
internal sealed class StringFormatting(RenderBudget budget)
{
    private readonly Sequences _sequences = new(budget);
    private int _automatic; // the next field without a name or number; -1 once one had a number

    /// <summary>Replaces the fields of a format.</summary>
    /// <exception cref="TemplateFaultException">A field is malformed or has no value.</exception>
    public string Format(string format, IReadOnlyList<object?> positional, IReadOnlyDictionary<string, object?> named)
    {
        var result = new StringBuilder();
        for (var i = 0; i < format.Length; i++)
        {
            budget.Step();
            RenderBudget.CheckLength(result.Length);
            var c = format[i];
            if (c is not ('{' or '}'))
            {
                result.Append(c);
            }
            else if (i + 1 < format.Length && format[i + 1] == c)
            {
                result.Append(format[i++]);
            }
            else if (c == '{' && format.IndexOf('}', i) is var end and >= 0 && !format[(i + 1)..end].Contains('{'))
            {
                result.Append(Field(format[(i + 1)..end], positional, named));
                i = end;
            }
            else
            {
                throw new TemplateFaultException($"format: '{c}' at character {i} has no counterpart");
            }
        }

        return result.ToString();
    }

    private string Field(string field, IReadOnlyList<object?> positional, IReadOnlyDictionary<string, object?> named)
    {
        var colon = field.IndexOf(':');
        var (left, spec) = colon < 0 ? (field, "") : (field[..colon], field[(colon + 1)..]);
        var bang = left.IndexOf('!');
        var (path, conversion) = bang < 0 ? (left, "") : (left[..bang], left[(bang + 1)..]);
        var value = Value(path, positional, named);
        value = conversion switch
        {
            "" => value,
            "s" => ValuePrinter.Print(value, budget),
            "r" => ValuePrinter.Represent(value, budget),
            _ => throw new TemplateFaultException($"format: the conversion '!{conversion}' is not supported"),
        };
        return spec.Length == 0
            ? ValuePrinter.Print(value, budget)
            : PythonFormat.Format(value, FormatSpec.Parse(spec), budget);
    }

    // "0", "name", "", each with ".attribute" and "[index]" behind it
    private object? Value(string path, IReadOnlyList<object?> positional, IReadOnlyDictionary<string, object?> named)
    {
        var end = path.AsSpan().IndexOfAny('.', '[') is var found and >= 0 ? found : path.Length;
        var value = First(path[..end], positional, named);
        while (end < path.Length)
        {
            var isIndex = path[end] == '[';
            var start = end + 1;
            var stop = isIndex ? path.IndexOf(']', start) : path.AsSpan(start).IndexOfAny('.', '[');
            stop = isIndex || stop < 0 ? stop : start + stop;
            if (isIndex && stop < 0)
            {
                throw new TemplateFaultException($"format: '{path}' is not closed with ']'");
            }

            var name = stop < 0 ? path[start..] : path[start..stop];
            value = _sequences.At(value, isIndex && Number(name) is { } index ? index : name);
            end = stop < 0 ? path.Length : stop + (isIndex ? 1 : 0);
        }

        return value;
    }

    private object? First(string name, IReadOnlyList<object?> positional, IReadOnlyDictionary<string, object?> named)
    {
        if (name.Length > 0 && Number(name) is null)
        {
            return named.TryGetValue(name, out var value)
                ? value
                : throw new TemplateFaultException($"format: there is no argument '{name}'");
        }

        if (name.Length == 0 ? _automatic < 0 : _automatic > 0)
        {
            throw new TemplateFaultException("format: fields with and without a number cannot be mixed");
        }

        var index = Number(name) ?? _automatic++;
        _automatic = name.Length > 0 ? -1 : _automatic;
        return index < positional.Count
            ? positional[(int)index]
            : throw new TemplateFaultException($"format: there is no argument {index}");
    }

    private static long? Number(string text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;
}
