using Ppsd.Host.Text.ChatTemplates.Values;

namespace Ppsd.Host.Text.ChatTemplates.Functions;

/// <summary>
/// The filters. One that is not known is refused when it is reached, not when the template is read: a template may use
/// it only for conversations that never come.
/// </summary>
/// <param name="budget">What rendering may cost.</param>
/// <param name="tests">The tests, for select and reject.</param>
internal sealed class Filters(RenderBudget budget, ValueTests tests)
{
    private readonly Sequences _sequences = new(budget);

    /// <summary>Applies a filter.</summary>
    /// <exception cref="TemplateFaultException">It is not supported, or does not apply to the value.</exception>
    public object? Apply(string name, object? input, Arguments arguments)
    {
        var result = name switch
        {
            "trim" => StringMethods.Strip(Text(input), arguments, atStart: true, atEnd: true),
            "upper" => Text(input).ToUpperInvariant(),
            "lower" => Text(input).ToLowerInvariant(),
            "title" => PythonText.Title(Text(input)),
            "capitalize" => PythonText.Capitalize(Text(input)),
            "string" or "safe" => Text(input),
            "replace" => Replace(input, arguments),
            "tojson" => JsonPrinter.Print(Operators.Defined(input), arguments, budget),
            "length" or "count" => _sequences.Length(input),
            "default" or "d" => Default(input, arguments),
            "first" => Edge(input, atEnd: false),
            "last" => Edge(input, atEnd: true),
            "list" => new TemplateList(_sequences.Elements(input)),
            "items" => Items(input),
            "join" => Join(input, arguments),
            "reverse" => Reverse(input),
            "int" => NumberFilters.ToInteger(input, arguments),
            "float" => NumberFilters.ToReal(input, arguments),
            "abs" => NumberFilters.Absolute(input),
            "map" => Map(input, arguments),
            "select" => Select(input, arguments, wanted: true, byAttribute: false),
            "reject" => Select(input, arguments, wanted: false, byAttribute: false),
            "selectattr" => Select(input, arguments, wanted: true, byAttribute: true),
            "rejectattr" => Select(input, arguments, wanted: false, byAttribute: true),
            _ => throw new TemplateFaultException(
                $"the filter '{name}' is not supported; supported: abs, capitalize, count, default, first, float, int, "
                    + "items, join, last, length, list, lower, map, reject, rejectattr, replace, reverse, safe, "
                    + "select, selectattr, string, title, tojson, trim, upper"
            ),
        };
        arguments.RefuseRest();
        return result;
    }

    private string Text(object? value)
    {
        var text = ValuePrinter.Print(value, budget);
        budget.Text(text.Length);
        return text;
    }

    private string Replace(object? input, Arguments arguments) =>
        StringMethods.Replace(
            Text(input),
            Text(arguments.Take(0, "old")),
            Text(arguments.Take(1, "new")),
            arguments.TakeOptionalInteger(2, "count"),
            budget
        );

    private static object? Default(object? input, Arguments arguments)
    {
        if (!arguments.TryTake(0, "default_value", out var otherwise))
        {
            otherwise = "";
        }

        var replacesFalse = arguments.TryTake(1, "boolean", out var boolean) && Operators.IsTrue(boolean);
        return input is Undefined || (replacesFalse && !Operators.IsTrue(input)) ? otherwise : input;
    }

    private object? Edge(object? input, bool atEnd)
    {
        var elements = _sequences.Elements(input);
        if (elements.Count == 0)
        {
            return new Undefined("there is no first or last element");
        }

        return elements[atEnd ? elements.Count - 1 : 0];
    }

    private static TemplateList Items(object? input) =>
        input switch
        {
            Undefined => new TemplateList([]),
            TemplateMap map => Methods.Items(map),
            _ => throw new TemplateFaultException($"items needs a map, but was given {ValueNames.Of(input)}"),
        };

    private string Join(object? input, Arguments arguments)
    {
        var separator = arguments.TryTake(0, "d", out var d) ? Text(d) : "";
        var attribute = arguments.TakeOptionalString(1, "attribute");
        var parts =
            from element in _sequences.Elements(input)
            select (object?)Text(attribute is null ? element : Attribute(element, attribute));
        return StringMethods.Join(separator, new TemplateList([.. parts]), budget);
    }

    private object Reverse(object? input)
    {
        var reversed = _sequences.Elements(Operators.Defined(input)).Reverse();
        return input is string
            ? string.Concat(reversed)
            : new TemplateList([.. reversed], TemplateList.Kinds.Generator);
    }

    private TemplateList Map(object? input, Arguments arguments)
    {
        var elements = _sequences.Elements(input);
        budget.List(elements.Count);
        if (arguments.TryTake(int.MaxValue, "attribute", out var attribute))
        {
            var hasDefault = arguments.TryTake(int.MaxValue, "default", out var otherwise);
            return Generator(
                elements
                    .Select(element => Attribute(element, attribute))
                    .Select(value => value is Undefined && hasDefault ? otherwise : value)
            );
        }

        var filter = arguments.TakeString(0, "filter");
        var rest = arguments.TakeRest(1, $"filter '{filter}'");
        return Generator(elements.Select(element => Apply(filter, element, rest)));
    }

    private TemplateList Select(object? input, Arguments arguments, bool wanted, bool byAttribute)
    {
        var attribute = byAttribute ? arguments.Take(0, "attribute") : null;
        var place = byAttribute ? 1 : 0;
        var test = arguments.TakeOptionalString(place, "test");
        var rest = arguments.TakeRest(place + 1, $"test '{test}'");
        return Generator(_sequences.Elements(input).Where(element => Passes(element) == wanted));

        bool Passes(object? element)
        {
            budget.Step();
            var value = byAttribute ? Attribute(element, attribute) : element;
            return test is null ? Operators.IsTrue(value) : tests.Passes(test, value, rest);
        }
    }

    // "a.b" is an attribute of an attribute; a number is an index.
    private object? Attribute(object? value, object? path) =>
        path is string text ? text.Split('.').Aggregate(value, _sequences.At) : _sequences.At(value, path);

    private static TemplateList Generator(IEnumerable<object?> elements) =>
        new([.. elements], TemplateList.Kinds.Generator);
}
