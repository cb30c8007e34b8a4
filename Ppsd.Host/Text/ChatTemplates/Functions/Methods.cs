using System.Text;
using Ppsd.Host.Text.ChatTemplates.Values;

namespace Ppsd.Host.Text.ChatTemplates.Functions;

/// <summary>The methods of strings, maps and lists that templates may call. None changes its value.</summary>
/// <param name="budget">Limits of one rendering.</param>
internal sealed class Methods(RenderBudget budget)
{
    /// <summary>A method, or undefined, whose use reports which kind of value lacks which method.</summary>
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
            "upper" => _ => PythonCase.Upper(text),
            "lower" => _ => PythonCase.Lower(text),
            "title" => _ => PythonCase.Title(text),
            "capitalize" => _ => PythonCase.Capitalize(text),
            "replace" => arguments =>
                StringMethods.Replace(
                    text,
                    arguments.TakeString(0, "old"),
                    arguments.TakeString(1, "new"),
                    arguments.TakeOptionalInteger(2, "count"),
                    budget
                ),
            "format" => arguments =>
                new StringFormatting(budget).Format(text, arguments.TakeAllPositional(), arguments.TakeAllNamed()),
            "find" => arguments => StringMethods.Find(text, arguments.TakeString(0, "sub"), fromEnd: false, budget),
            "rfind" => arguments => StringMethods.Find(text, arguments.TakeString(0, "sub"), fromEnd: true, budget),
            "partition" => arguments => StringMethods.Partition(text, arguments.TakeString(0, "sep"), false, budget),
            "rpartition" => arguments => StringMethods.Partition(text, arguments.TakeString(0, "sep"), true, budget),
            "ljust" => arguments => StringMethods.Justify(text, arguments, '<', budget),
            "rjust" => arguments => StringMethods.Justify(text, arguments, '>', budget),
            "center" => arguments => StringMethods.Justify(text, arguments, '^', budget),
            "zfill" => arguments => StringMethods.ZeroFill(text, arguments, budget),
            "count" => arguments => StringMethods.Count(text, arguments.TakeString(0, "sub"), budget),
            "join" => arguments => StringMethods.Join(text, arguments.Take(0, "iterable"), budget),
            "removeprefix" => arguments => StringMethods.Remove(text, arguments.TakeString(0, "prefix"), atEnd: false),
            "removesuffix" => arguments => StringMethods.Remove(text, arguments.TakeString(0, "suffix"), atEnd: true),
            "isdigit" => _ => text.Length > 0 && text.All(char.IsDigit),
            "isalpha" => _ => text.Length > 0 && text.EnumerateRunes().All(Rune.IsLetter),
            "isalnum" => _ => text.Length > 0 && text.EnumerateRunes().All(Rune.IsLetterOrDigit),
            "isupper" => _ => PythonCase.IsAll(text, upper: true),
            "islower" => _ => PythonCase.IsAll(text, upper: false),
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
