using Ppsd.Host.Text.ChatTemplates.Values;

namespace Ppsd.Host.Text.ChatTemplates.Functions;

/// <summary>
/// The tests behind <c>is</c>. One that is not known is refused when the template is read, and when it is reached where only
/// a conversation names it.
/// </summary>
/// <param name="budget">Limits of one rendering.</param>
internal sealed class ValueTests(RenderBudget budget)
{
    private static readonly string[] _words =
    [
        .. "boolean callable defined divisibleby eq equalto escaped even false float ge greaterthan gt in integer iterable".Split(
            ' '
        ),
        .. "le lessthan lower lt mapping ne none number odd sameas sequence string true undefined upper".Split(' '),
    ];

    private readonly Operators _operators = new(budget);

    /// <summary>All names, the words in alphabetical order before the operators.</summary>
    public static IReadOnlyCollection<string> Names { get; } = [.. _words, "==", "!=", "<", "<=", ">", ">="];

    /// <summary>Whether a value passes a test.</summary>
    /// <exception cref="TemplateFaultException">The test is not supported, or does not apply to the value.</exception>
    public bool Passes(string name, object? value, Arguments arguments)
    {
        var result = name switch
        {
            "defined" => value is not Undefined,
            "undefined" => value is Undefined,
            "none" => value is null,
            "boolean" => value is bool,
            "true" => value is true,
            "false" => value is false,
            "string" => value is string,
            "number" => value is bool or long or double,
            "integer" => value is long,
            "float" => value is double,
            "mapping" => value is TemplateMap,
            "sequence" => value is string or TemplateMap or TemplateList { Kind: not TemplateList.Kinds.Generator },
            "iterable" => value is string or TemplateMap or TemplateList or Undefined,
            "callable" => value is TemplateFunction or Undefined,
            "odd" => Remainder(value, 2L) is 1L,
            "even" => Remainder(value, 2L) is 0L,
            "divisibleby" => Remainder(value, arguments.Take(0, "num")) is 0L,
            "lower" => PythonCase.IsAll(ValuePrinter.Print(value, budget), upper: false),
            "upper" => PythonCase.IsAll(ValuePrinter.Print(value, budget), upper: true),
            "escaped" => false,
            "sameas" => IsSame(value, arguments.Take(0, "other")),
            "in" => _operators.Compare("in", value, arguments.Take(0, "seq")),
            "equalto" or "eq" or "==" => Compare("=="),
            "ne" or "!=" => Compare("!="),
            "lt" or "lessthan" or "<" => Compare("<"),
            "le" or "<=" => Compare("<="),
            "gt" or "greaterthan" or ">" => Compare(">"),
            "ge" or ">=" => Compare(">="),
            _ => throw TemplateFaultException.Unsupported(
                $"the test '{name}' is not supported; supported: {string.Join(", ", _words)}"
            ),
        };
        arguments.RefuseRest();
        return result;

        bool Compare(string op) => _operators.Compare(op, value, arguments.Take(0, "other"));
    }

    private static object Remainder(object? value, object? divisor) =>
        PythonNumbers.From(Operators.Defined(value)) is { } a && PythonNumbers.From(divisor) is { } b
            ? PythonNumbers.Apply("%", a, b)
            : throw new TemplateFaultException($"{ValueNames.Of(value)} cannot be divided");

    // Python's "is": the same object, which for constants means equal and of one type.
    private static bool IsSame(object? left, object? right) =>
        left is string or bool or long or double ? left.Equals(right) : ReferenceEquals(left, right);
}
