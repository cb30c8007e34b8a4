using Ppsd.Host.Text.ChatTemplates.Values;

namespace Ppsd.Host.Text.ChatTemplates.Functions;

/// <summary>
/// The filters. One that is not known is refused when the template is read, and when it is reached where only a
/// conversation names it.
/// </summary>
internal sealed class Filters
{
    private readonly RenderBudget _budget;
    private readonly ValueTests _tests;
    private readonly Sequences _sequences;
    private readonly SortedDictionary<string, Func<object?, Arguments, object?>> _filters;

    /// <summary>All names, in alphabetical order.</summary>
    public static IReadOnlyCollection<string> Names { get; } = NamesOf(new RenderBudget());

    /// <summary>Creates the filters of one rendering.</summary>
    /// <param name="budget">Limits of one rendering.</param>
    /// <param name="tests">The tests, for select and reject.</param>
    public Filters(RenderBudget budget, ValueTests tests)
    {
        _budget = budget;
        _tests = tests;
        _sequences = new Sequences(budget);
        var order = new OrderFilters(budget);
        _filters = new(StringComparer.Ordinal)
        {
            ["trim"] = (input, arguments) => StringMethods.Strip(Text(input), arguments, atStart: true, atEnd: true),
            ["upper"] = (input, _) => PythonCase.Upper(Text(input)),
            ["lower"] = (input, _) => PythonCase.Lower(Text(input)),
            ["title"] = (input, _) => TextFilters.Title(Text(input)),
            ["capitalize"] = (input, _) => PythonCase.Capitalize(Text(input)),
            ["string"] = (input, _) => Text(input),
            ["safe"] = (input, _) => Text(input),
            ["escape"] = (input, _) => TextFilters.Escape(Text(input)),
            ["e"] = (input, _) => TextFilters.Escape(Text(input)),
            ["replace"] = Replace,
            ["indent"] = (input, arguments) => TextFilters.Indent(Text(input), arguments, budget),
            ["center"] = (input, arguments) => TextFilters.Center(Text(input), arguments, budget),
            ["wordcount"] = (input, _) => TextFilters.CountWords(Text(input)),
            ["format"] = FormatText,
            ["tojson"] = (input, arguments) => JsonPrinter.Print(Operators.Defined(input), arguments, budget),
            ["length"] = (input, _) => _sequences.Length(input),
            ["count"] = (input, _) => _sequences.Length(input),
            ["default"] = Default,
            ["d"] = Default,
            ["first"] = (input, _) => Edge(input, atEnd: false),
            ["last"] = (input, _) => Edge(input, atEnd: true),
            ["list"] = (input, _) => new TemplateList(_sequences.Elements(input)),
            ["items"] = (input, _) => Items(input),
            ["attr"] = (input, arguments) => _sequences.At(input, arguments.TakeString(0, "name")),
            ["join"] = Join,
            ["reverse"] = (input, _) => Reverse(input),
            ["batch"] = Batch,
            ["sort"] = order.Sort,
            ["dictsort"] = order.SortMap,
            ["unique"] = order.Unique,
            ["groupby"] = order.Group,
            ["min"] = (input, arguments) => order.Extreme(input, arguments, largest: false),
            ["max"] = (input, arguments) => order.Extreme(input, arguments, largest: true),
            ["sum"] = order.Sum,
            ["int"] = NumberFilters.ToInteger,
            ["float"] = NumberFilters.ToReal,
            ["abs"] = (input, _) => NumberFilters.Absolute(input),
            ["round"] = NumberFilters.Round,
            ["map"] = Map,
            ["select"] = (input, arguments) => Select(input, arguments, wanted: true, byAttribute: false),
            ["reject"] = (input, arguments) => Select(input, arguments, wanted: false, byAttribute: false),
            ["selectattr"] = (input, arguments) => Select(input, arguments, wanted: true, byAttribute: true),
            ["rejectattr"] = (input, arguments) => Select(input, arguments, wanted: false, byAttribute: true),
        };
    }

    /// <summary>Applies a filter.</summary>
    /// <exception cref="TemplateFaultException">It is not supported, or does not apply to the value.</exception>
    public object? Apply(string name, object? input, Arguments arguments)
    {
        if (!_filters.TryGetValue(name, out var filter))
        {
            throw TemplateFaultException.Unsupported(
                $"the filter '{name}' is not supported; supported: {string.Join(", ", _filters.Keys)}"
            );
        }

        var result = filter(input, arguments);
        arguments.RefuseRest();
        return result;
    }

    private static string[] NamesOf(RenderBudget budget) =>
        [.. new Filters(budget, new ValueTests(budget))._filters.Keys];

    private string Text(object? value)
    {
        var text = ValuePrinter.Print(value, _budget);
        _budget.Text(text.Length);
        return text;
    }

    private string Replace(object? input, Arguments arguments) =>
        StringMethods.Replace(
            Text(input),
            Text(arguments.Take(0, "old")),
            Text(arguments.Take(1, "new")),
            arguments.TakeOptionalInteger(2, "count"),
            _budget
        );

    private string FormatText(object? input, Arguments arguments)
    {
        var named = new TemplateMap();
        foreach (var (name, value) in arguments.TakeAllNamed())
        {
            named.Set(name, value);
        }

        var positional = arguments.TakeAllPositional();
        return new PercentFormatting(_budget).Format(
            Text(input),
            named.Count > 0 ? named : new TemplateList(positional, TemplateList.Kinds.Tuple)
        );
    }

    private static object? Default(object? input, Arguments arguments)
    {
        if (!arguments.TryTake(0, "default_value", out var otherwise))
        {
            otherwise = "";
        }

        var replacesFalse = arguments.TakeTruth(1, "boolean");
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
        arguments.TryTake(1, "attribute", out var attribute);
        var parts =
            from element in _sequences.Elements(input)
            select (object?)Text(_sequences.Attribute(element, attribute));
        return StringMethods.Join(separator, new TemplateList([.. parts]), _budget);
    }

    private object Reverse(object? input)
    {
        var reversed = _sequences.Elements(Operators.Defined(input)).Reverse();
        return input is string
            ? string.Concat(reversed)
            : new TemplateList([.. reversed], TemplateList.Kinds.Generator);
    }

    // Lists of this many elements; the last is filled up if a fill value is given.
    private TemplateList Batch(object? input, Arguments arguments)
    {
        var size = (int)Math.Clamp(arguments.TakeInteger(0, "linecount"), 1, RenderBudget.MaxCount);
        var fills = arguments.TryTake(1, "fill_with", out var fill) && fill is not null;
        var elements = _sequences.Elements(input);
        _budget.List(elements.Count + (long)size);
        return Generator(
            elements
                .Chunk(size)
                .Select(chunk =>
                    (object?)new TemplateList([.. chunk, .. Enumerable.Repeat(fill, fills ? size - chunk.Length : 0)])
                )
        );
    }

    // Jinja's map and select look at their input's truth first: of none they make nothing, not an error.
    private IReadOnlyList<object?> ElementsIfTrue(object? input) =>
        Operators.IsTrue(input) ? _sequences.Elements(input) : [];

    private TemplateList Map(object? input, Arguments arguments)
    {
        var elements = ElementsIfTrue(input);
        _budget.List(elements.Count);
        if (arguments.TryTake(int.MaxValue, "attribute", out var attribute))
        {
            var hasDefault = arguments.TryTake(int.MaxValue, "default", out var otherwise);
            return Generator(
                elements
                    .Select(element => _sequences.Attribute(element, attribute))
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
        return Generator(ElementsIfTrue(input).Where(element => Passes(element) == wanted));

        bool Passes(object? element)
        {
            _budget.Step();
            var value = _sequences.Attribute(element, attribute);
            return test is null ? Operators.IsTrue(value) : _tests.Passes(test, value, rest);
        }
    }

    private static TemplateList Generator(IEnumerable<object?> elements) =>
        new([.. elements], TemplateList.Kinds.Generator);
}
