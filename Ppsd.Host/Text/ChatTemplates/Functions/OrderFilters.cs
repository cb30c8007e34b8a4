using Ppsd.Host.Text.ChatTemplates.Values;

namespace Ppsd.Host.Text.ChatTemplates.Functions;

/// <summary>The filters that compare elements: sort, dictsort, unique, groupby, min, max and sum.</summary>
/// <param name="budget">Limits of one rendering.</param>
internal sealed class OrderFilters(RenderBudget budget)
{
    private readonly Operators _operators = new(budget);
    private readonly Sequences _sequences = new(budget);

    /// <summary>sort: by the elements or their attributes, strings without regard to case unless asked.</summary>
    public TemplateList Sort(object? input, Arguments arguments)
    {
        var isReverse = arguments.TakeTruth(0, "reverse");
        var keepsCase = arguments.TakeTruth(1, "case_sensitive");
        arguments.TryTake(2, "attribute", out var attribute);
        string?[] paths = attribute is string text ? text.Split(',') : [];
        return Sorted(
            _sequences.Elements(input),
            element =>
                paths.Length == 0
                    ? Key(_sequences.Attribute(element, attribute), keepsCase)
                    : new TemplateList([.. paths.Select(path => Key(_sequences.Attribute(element, path), keepsCase))]),
            isReverse
        );
    }

    /// <summary>dictsort: the entries of a map by key or by value.</summary>
    public TemplateList SortMap(object? input, Arguments arguments)
    {
        var keepsCase = arguments.TakeTruth(0, "case_sensitive");
        var place = (arguments.TakeOptionalString(1, "by") ?? "key") switch
        {
            "key" => 0,
            "value" => 1,
            var other => throw new TemplateFaultException($"dictsort: 'by' must be 'key' or 'value', but is '{other}'"),
        };
        var isReverse = arguments.TakeTruth(2, "reverse");
        var map =
            Operators.Defined(input) as TemplateMap
            ?? throw new TemplateFaultException($"dictsort needs a map, but was given {ValueNames.Of(input)}");
        return Sorted(
            Methods.Items(map).Items,
            entry => Key(((TemplateList)entry!).Items[place], keepsCase),
            isReverse
        );
    }

    /// <summary>unique: the first of equal elements.</summary>
    public TemplateList Unique(object? input, Arguments arguments)
    {
        var keepsCase = arguments.TakeTruth(0, "case_sensitive");
        arguments.TryTake(1, "attribute", out var attribute);
        var seen = new HashSet<object>();
        return new TemplateList(
            [
                .. _sequences
                    .Elements(input)
                    .Where(element => seen.Add(Hashed(Key(_sequences.Attribute(element, attribute), keepsCase)))),
            ],
            TemplateList.Kinds.Generator
        );
    }

    /// <summary>groupby: pairs of an attribute's value and the elements that have it, in order of the values.</summary>
    public TemplateList Group(object? input, Arguments arguments)
    {
        var attribute = arguments.Take(0, "attribute");
        var hasDefault = arguments.TryTake(1, "default", out var otherwise);
        var keepsCase = arguments.TakeTruth(2, "case_sensitive");
        var groups = new List<(object? Key, List<object?> Elements)>();
        foreach (var element in Sorted(_sequences.Elements(input), Comparable, isReverse: false).Items)
        {
            if (groups.Count == 0 || !_operators.AreEqual(Key(groups[^1].Key, keepsCase), Comparable(element)))
            {
                groups.Add((Value(element), []));
            }

            groups[^1].Elements.Add(element);
        }

        return new TemplateList([
            .. groups.Select(group =>
                (object?)new TemplateList([group.Key, new TemplateList(group.Elements)], TemplateList.Kinds.Tuple)
            ),
        ]);

        object? Comparable(object? element) => Key(Value(element), keepsCase);

        object? Value(object? element) =>
            _sequences.Attribute(element, attribute) is var value && value is Undefined && hasDefault
                ? otherwise
                : value;
    }

    /// <summary>min and max; undefined when there is no element.</summary>
    public object? Extreme(object? input, Arguments arguments, bool largest)
    {
        var keepsCase = arguments.TakeTruth(0, "case_sensitive");
        arguments.TryTake(1, "attribute", out var attribute);
        object? best = new Undefined("there is no smallest or largest element");
        object? bestKey = null;
        foreach (var element in _sequences.Elements(input))
        {
            var key = Key(_sequences.Attribute(element, attribute), keepsCase);
            if (
                best is Undefined
                || (largest ? _operators.Order(key, bestKey) > 0 : _operators.Order(key, bestKey) < 0)
            )
            {
                (best, bestKey) = (element, key);
            }
        }

        return best;
    }

    /// <summary>sum: of the elements or their attributes, from a start of 0 unless one is given.</summary>
    public object? Sum(object? input, Arguments arguments)
    {
        arguments.TryTake(0, "attribute", out var attribute);
        var sum = arguments.TryTake(1, "start", out var start) ? start : 0L;
        foreach (var element in _sequences.Elements(input))
        {
            sum = _operators.Binary("+", sum, _sequences.Attribute(element, attribute));
        }

        return sum;
    }

    private TemplateList Sorted(IReadOnlyList<object?> elements, Func<object?, object?> keyOf, bool isReverse)
    {
        budget.List(elements.Count);
        var keyed = elements.Select(element => (Element: element, Key: keyOf(element))).ToList();
        var order = Comparer<object?>.Create(_operators.Order);

        // Both keep the order of equal elements, as Python does.
        var sorted = isReverse
            ? keyed.OrderByDescending(pair => pair.Key, order)
            : keyed.OrderBy(pair => pair.Key, order);
        try
        {
            return new TemplateList([.. sorted.Select(pair => pair.Element)]);
        }
        catch (InvalidOperationException e) when (e.InnerException is TemplateFaultException fault)
        {
            throw new TemplateFaultException(fault.Message); // .NET wraps what a comparison throws
        }
    }

    private static object? Key(object? value, bool keepsCase) =>
        value is string text && !keepsCase ? PythonCase.Lower(text) : value;

    // Equal values have equal keys: 1, 1.0 and true are one, and none is a value like others.
    private static object Hashed(object? value) =>
        value switch
        {
            null => typeof(void),
            string or Undefined => value,
            TemplateList or TemplateMap => throw new TemplateFaultException(
                $"unique does not apply to {ValueNames.Of(value)}"
            ),
            _ => PythonNumbers.From(value) switch
            {
                long number => (double)number,
                double number => number,
                _ => value,
            },
        };
}
