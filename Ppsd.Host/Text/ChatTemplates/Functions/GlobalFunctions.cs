using Ppsd.Host.Text.ChatTemplates.Values;
using Ppsd.Host.Text.Tokens;

namespace Ppsd.Host.Text.ChatTemplates.Functions;

/// <summary>
/// The functions that every template finds: namespace, range, dict, raise_exception and strftime_now.
/// </summary>
/// <param name="budget">Limits of one rendering.</param>
/// <param name="time">Clock for templates that print the date.</param>
internal sealed class GlobalFunctions(RenderBudget budget, TimeProvider time)
{
    // Jinja's sandbox has this limit too.
    private const long MaxRange = 100_000;

    /// <summary>All names, in alphabetical order.</summary>
    public static IReadOnlyCollection<string> Names { get; } =
    ["dict", "namespace", "raise_exception", "range", "strftime_now"];

    /// <summary>Defines the functions in a scope.</summary>
    public void DefineIn(TemplateScope scope)
    {
        Define("namespace", Namespace);
        Define("range", Range);
        Define("dict", Map);
        Define("raise_exception", arguments => throw new TextException(arguments.TakeString(0, "message")));
        Define("strftime_now", arguments => DateFormat.Format(time.GetLocalNow(), arguments.TakeString(0, "format")));

        void Define(string name, Func<Arguments, object?> call) => scope.Set(name, new TemplateFunction(name, call));
    }

    private static TemplateNamespace Namespace(Arguments arguments)
    {
        var result = new TemplateNamespace();
        foreach (var (key, value) in Map(arguments).Entries)
        {
            result.Fields[key as string ?? throw new TemplateFaultException("a namespace's keys must be strings")] =
                value;
        }

        return result;
    }

    private static TemplateMap Map(Arguments arguments)
    {
        var result = new TemplateMap();
        if (arguments.TryTake(0, "", out var map))
        {
            var entries =
                map as TemplateMap
                ?? throw new TemplateFaultException($"expected a map, but found {ValueNames.Of(map)}");
            foreach (var (key, value) in entries.Entries)
            {
                result.Set(key, value);
            }
        }

        foreach (var (key, value) in arguments.TakeAllNamed())
        {
            result.Set(key, value);
        }

        return result;
    }

    private TemplateList Range(Arguments arguments)
    {
        var first =
            arguments.TakeOptionalInteger(0, "start") ?? throw new TemplateFaultException("range needs a number");
        var second = arguments.TakeOptionalInteger(1, "stop");
        var (start, stop) = second is null ? (0, first) : (first, second.Value);
        var step = arguments.TakeOptionalInteger(2, "step") ?? 1;
        if (step == 0)
        {
            throw new TemplateFaultException("range: the step must not be 0");
        }

        var count = Math.Max(0, Math.Ceiling(((double)stop - start) / step));
        if (count > MaxRange)
        {
            throw new TemplateFaultException($"range: more than {MaxRange} numbers");
        }

        budget.List((long)count);
        return new TemplateList([.. Enumerable.Range(0, (int)count).Select(i => (object?)(start + (i * step)))]);
    }
}
