using System.Globalization;
using Ppsd.Host.Text.ChatTemplates.Values;

namespace Ppsd.Host.Text.ChatTemplates.Functions;

/// <summary>Elements and slices of strings, lists and maps.</summary>
/// <param name="budget">Limits of one rendering.</param>
internal sealed class Sequences(RenderBudget budget)
{
    /// <summary>
    /// Elements of a loop over the value: characters, elements or keys; nothing when it is undefined.
    /// </summary>
    /// <exception cref="TemplateFaultException">The value cannot be run through.</exception>
    public IReadOnlyList<object?> Elements(object? value)
    {
        switch (value)
        {
            case Undefined:
                return [];
            case string text:
                budget.List(text.Length);
                return PythonText.Characters(text);
            case TemplateList list:
                return list.Items;
            case TemplateMap map:
                budget.List(map.Count);
                return [.. map.Keys];
            default:
                throw new TemplateFaultException($"{ValueNames.Of(value)} has no elements");
        }
    }

    /// <summary>Number of elements of a value.</summary>
    /// <exception cref="TemplateFaultException">It has no length.</exception>
    public long Length(object? value)
    {
        switch (value)
        {
            case Undefined:
                return 0;
            case string text:
                budget.Text(text.Length);
                return PythonText.Length(text);
            case TemplateList { Kind: not TemplateList.Kinds.Generator } list:
                return list.Items.Count;
            case TemplateMap map:
                return map.Count;
            default:
                throw new TemplateFaultException($"{ValueNames.Of(value)} has no length");
        }
    }

    /// <summary>
    /// The element at an index, from the end if negative, or a map's value; undefined if there is none.
    /// </summary>
    /// <exception cref="TemplateFaultException">The value itself is undefined.</exception>
    public object? At(object? value, object? index)
    {
        switch (Operators.Defined(value))
        {
            case TemplateMap map:
                return map.TryGet(index, out var found) ? found : Missing();
            case string
            or TemplateList { Kind: not TemplateList.Kinds.Generator } when PythonNumbers.From(index) is long place:
                var length = Length(value);
                place += place < 0 ? length : 0;
                return place < 0 || place >= length ? Missing()
                    : value is TemplateList list ? list.Items[(int)place]
                    : PythonText.Slice((string)value!, (int)place, (int)place + 1);
            default:
                return Missing();
        }

        Undefined Missing() =>
            new($"{ValueNames.Of(value)} has no element {(index is string or long ? index : ValueNames.Of(index))}");
    }

    /// <summary>
    /// Applies a filter's <c>attribute</c>: "a.b" is an attribute of an attribute, a number an index, none the value
    /// itself.
    /// </summary>
    public object? Attribute(object? value, object? path) =>
        path switch
        {
            null => value,
            string text => text.Split('.').Aggregate(value, (at, part) => At(at, IndexOr(part))),
            _ => At(value, path),
        };

    private static object IndexOr(string part) =>
        long.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out var index) ? index : part;

    /// <summary><c>value[start:stop:step]</c> with Python's rules for what lies outside.</summary>
    /// <exception cref="TemplateFaultException">The value cannot be sliced, or a bound is not an integer.</exception>
    public object Slice(object? value, object? start, object? stop, object? step)
    {
        if (Operators.Defined(value) is not (string or TemplateList { Kind: not TemplateList.Kinds.Generator }))
        {
            throw new TemplateFaultException($"{ValueNames.Of(value)} cannot be sliced");
        }

        var length = Length(value);
        var by = Bound(step) ?? 1;
        if (by == 0)
        {
            throw new TemplateFaultException("a slice's step must not be 0");
        }

        // Going backwards, "before the first" is -1 and "the end" the last element.
        var (low, high) = by > 0 ? (0L, length) : (-1L, length - 1);
        var from = Clamp(Bound(start), by > 0 ? low : high);
        var to = Clamp(Bound(stop), by > 0 ? high : low);
        if (value is string text && by == 1)
        {
            budget.Text(length);
            return from < to ? PythonText.Slice(text, (int)from, (int)to) : "";
        }

        var elements = Elements(value);
        budget.List(elements.Count);
        var result = new List<object?>();
        for (var i = from; by > 0 ? i < to : i > to; i += by)
        {
            result.Add(elements[(int)i]);
        }

        return value is string ? string.Concat(result) : (TemplateList)value! with { Items = result };

        long Clamp(long? bound, long otherwise) =>
            bound is not { } place
                ? otherwise
                : Math.Clamp(place < 0 ? Math.Max(place + length, -1) : place, low, high);
    }

    private static long? Bound(object? value) =>
        value is null ? null
        : PythonNumbers.From(Operators.Defined(value)) is long place ? Math.Clamp(place, int.MinValue, int.MaxValue)
        : throw new TemplateFaultException($"a slice's bound must be an integer, but is {ValueNames.Of(value)}");
}
