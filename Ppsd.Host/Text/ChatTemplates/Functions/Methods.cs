using Ppsd.Host.Text.ChatTemplates.Values;

namespace Ppsd.Host.Text.ChatTemplates.Functions;

/// <summary>The methods of strings, maps and lists that templates may call. None changes its value.</summary>
/// <param name="budget">What rendering may cost.</param>
internal sealed class Methods(RenderBudget budget)
{
    /// <summary>A method, or undefined: using that says which kind of value lacks which method.</summary>
    public object? Find(object? target, string name)
    {
        Func<Arguments, object?>? call = target switch
        {
            string text => FindOfString(text, name),
            TemplateMap map => FindOfMap(map, name),
            TemplateList list => FindOfList(list, name),
            _ => null,
        };
        return call is null
            ? new Undefined(
                $"{ValueNames.Of(target)} has no {(target is TemplateMap ? "entry or " : "")}method '{name}' here"
            )
            : new TemplateFunction($"method '{name}'", call);
    }

    private Func<Arguments, object?>? FindOfString(string text, string name)
    {
        budget.Text(text.Length);
        return name switch
        {
            "strip" => arguments => StringMethods.Strip(text, arguments, atStart: true, atEnd: true),
            "lstrip" => arguments => StringMethods.Strip(text, arguments, atStart: true, atEnd: false),
            "rstrip" => arguments => StringMethods.Strip(text, arguments, atStart: false, atEnd: true),
            "split" => arguments => StringMethods.Split(text, arguments, fromEnd: false, budget),
            "rsplit" => arguments => StringMethods.Split(text, arguments, fromEnd: true, budget),
            "splitlines" => _ => StringMethods.SplitLines(text, budget),
            "startswith" => arguments => StringMethods.Affix(text, arguments, atEnd: false),
            "endswith" => arguments => StringMethods.Affix(text, arguments, atEnd: true),
            "upper" => _ => text.ToUpperInvariant(),
            "lower" => _ => text.ToLowerInvariant(),
            "title" => _ => PythonText.Title(text),
            "capitalize" => _ => PythonText.Capitalize(text),
            "replace" => arguments =>
                StringMethods.Replace(
                    text,
                    arguments.TakeString(0, "old"),
                    arguments.TakeString(1, "new"),
                    arguments.TakeOptionalInteger(2, "count"),
                    budget
                ),
            "find" => arguments => StringMethods.Find(text, arguments.TakeString(0, "sub"), budget),
            "count" => arguments => StringMethods.Count(text, arguments.TakeString(0, "sub"), budget),
            "join" => arguments => StringMethods.Join(text, arguments.Take(0, "iterable"), budget),
            "removeprefix" => arguments => StringMethods.Remove(text, arguments.TakeString(0, "prefix"), atEnd: false),
            "removesuffix" => arguments => StringMethods.Remove(text, arguments.TakeString(0, "suffix"), atEnd: true),
            "isdigit" => _ => text.Length > 0 && text.All(char.IsDigit),
            "isspace" => _ => text.Length > 0 && text.All(PythonText.IsSpace),
            _ => null,
        };
    }

    private Func<Arguments, object?>? FindOfMap(TemplateMap map, string name)
    {
        budget.List(map.Count);
        return name switch
        {
            "get" => arguments => Get(map, arguments),
            "items" => _ => Items(map),
            "keys" => _ => new TemplateList([.. map.Keys]),
            "values" => _ => new TemplateList([.. map.Values]),
            _ => null,
        };
    }

    private Func<Arguments, object?>? FindOfList(TemplateList list, string name) =>
        name switch
        {
            "index" => arguments => IndexOf(list, arguments.Take(0, "value")),
            "count" => arguments => CountOf(list, arguments.Take(0, "value")),
            _ => null,
        };

    /// <summary>The entries of a map as pairs.</summary>
    public static TemplateList Items(TemplateMap map) =>
        new([.. map.Entries.Select(entry => new TemplateList([entry.Key, entry.Value], TemplateList.Kinds.Tuple))]);

    private static object? Get(TemplateMap map, Arguments arguments)
    {
        arguments.TryTake(1, "default", out var otherwise);
        return map.TryGet(arguments.Take(0, "key"), out var value) ? value : otherwise;
    }

    private long IndexOf(TemplateList list, object? value)
    {
        var operators = new Operators(budget);
        foreach (var (index, item) in list.Items.Index())
        {
            if (operators.AreEqual(item, value))
            {
                return index;
            }
        }

        throw new TemplateFaultException("the list does not contain the value");
    }

    private long CountOf(TemplateList list, object? value)
    {
        var operators = new Operators(budget);
        return list.Items.Count(item => operators.AreEqual(item, value));
    }
}
