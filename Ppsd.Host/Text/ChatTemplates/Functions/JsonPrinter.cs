using System.Globalization;
using System.Text;
using Ppsd.Host.Text.ChatTemplates.Values;

namespace Ppsd.Host.Text.ChatTemplates.Functions;

/// <summary>
/// The filter tojson as transformers has it: Python's json.dumps, with every character as it is unless
/// <c>ensure_ascii</c> is true.
/// </summary>
internal sealed class JsonPrinter
{
    private readonly StringBuilder _result = new();
    private readonly RenderBudget _budget;
    private readonly string? _indent; // null: all on one line
    private readonly string _itemSeparator;
    private readonly string _keySeparator;
    private readonly bool _sortsKeys;
    private readonly bool _escapesAllButAscii;

    private JsonPrinter(
        RenderBudget budget,
        string? indent,
        string itemSeparator,
        string keySeparator,
        bool sortsKeys,
        bool escapesAllButAscii
    )
    {
        _escapesAllButAscii = escapesAllButAscii;
        _budget = budget;
        _indent = indent;
        _itemSeparator = itemSeparator;
        _keySeparator = keySeparator;
        _sortsKeys = sortsKeys;
    }

    /// <summary>Prints a value.</summary>
    /// <param name="arguments">Those of the filter: ensure_ascii, indent, separators, sort_keys.</param>
    /// <param name="budget">Limits of one rendering.</param>
    /// <exception cref="TemplateFaultException">
    /// The value cannot be written as JSON, or is nested too deeply.
    /// </exception>
    public static string Print(object? value, Arguments arguments, RenderBudget budget)
    {
        var escapes = arguments.TryTake(0, "ensure_ascii", out var ascii) && Operators.IsTrue(ascii);
        var indent = TakeIndent(arguments);
        var itemSeparator = indent is null ? ", " : ",";
        var keySeparator = ": ";
        if (arguments.TryTake(2, "separators", out var separators) && separators is not null)
        {
            (itemSeparator, keySeparator) = separators is TemplateList { Items: [string item, string key] }
                ? (item, key)
                : throw new TemplateFaultException("tojson: 'separators' must be two strings");
        }

        var sortsKeys = arguments.TryTake(3, "sort_keys", out var sort) && Operators.IsTrue(sort);
        var printer = new JsonPrinter(budget, indent, itemSeparator, keySeparator, sortsKeys, escapes);
        printer.Append(value, depth: 0);
        return printer._result.ToString();
    }

    private static string? TakeIndent(Arguments arguments)
    {
        if (!arguments.TryTake(1, "indent", out var indent))
        {
            return null;
        }

        return indent switch
        {
            null => null,
            string text => text,
            long and >= 0 and <= 64 => new string(' ', (int)(long)indent),
            _ => throw new TemplateFaultException("tojson: 'indent' must be a string or a number up to 64"),
        };
    }

    private void Append(object? value, int depth)
    {
        RenderBudget.CheckDepth(depth);
        RenderBudget.CheckLength(_result.Length);
        _budget.Step();
        switch (value)
        {
            case null:
                _result.Append("null");
                break;
            case bool truth:
                _result.Append(truth ? "true" : "false");
                break;
            case long number:
                _result.Append(CultureInfo.InvariantCulture, $"{number}");
                break;
            case double number:
                _result.Append(double.IsFinite(number) ? PythonNumbers.Print(number) : NotFinite(number));
                break;
            case string text:
                Quote(text);
                break;
            case TemplateList { Kind: not TemplateList.Kinds.Generator } list:
                AppendAll('[', list.Items, ']', depth, item => Append(item, depth + 1));
                break;
            case TemplateMap map:
                var entries = _sortsKeys
                    ? map.Entries.OrderBy(entry => $"{entry.Key}", StringComparer.Ordinal)
                    : map.Entries;
                AppendAll('{', entries, '}', depth, entry => AppendEntry(entry, depth));
                break;
            default:
                throw new TemplateFaultException($"tojson: {ValueNames.Of(value)} cannot be written as JSON");
        }
    }

    private void AppendAll<T>(char open, IEnumerable<T> items, char close, int depth, Action<T> append)
    {
        _result.Append(open);
        var isEmpty = true;
        foreach (var item in items)
        {
            _result.Append(isEmpty ? "" : _itemSeparator);
            isEmpty = false;
            NewLine(depth + 1);
            append(item);
        }

        if (!isEmpty)
        {
            NewLine(depth);
        }

        _result.Append(close);
    }

    private void AppendEntry(KeyValuePair<object, object?> entry, int depth)
    {
        Quote(string.Create(CultureInfo.InvariantCulture, $"{entry.Key}"));
        _result.Append(_keySeparator);
        Append(entry.Value, depth + 1);
    }

    private void NewLine(int depth)
    {
        if (_indent is not null)
        {
            _result.Append('\n').Insert(_result.Length, _indent, depth);
        }
    }

    private void Quote(string text)
    {
        _budget.Text(text.Length);
        _result.Append('"');
        foreach (var c in text)
        {
            _ = c switch
            {
                '"' => _result.Append("\\\""),
                '\\' => _result.Append("\\\\"),
                '\n' => _result.Append("\\n"),
                '\r' => _result.Append("\\r"),
                '\t' => _result.Append("\\t"),
                '\b' => _result.Append("\\b"),
                '\f' => _result.Append("\\f"),
                < ' ' => Escape(c),
                > '~' when _escapesAllButAscii => Escape(c),
                _ => _result.Append(c),
            };
        }

        _result.Append('"');
    }

    private StringBuilder Escape(char unit) => _result.Append(CultureInfo.InvariantCulture, $"\\u{(int)unit:x4}");

    private static string NotFinite(double number) =>
        double.IsNaN(number) ? "NaN"
        : number > 0 ? "Infinity"
        : "-Infinity";
}
