namespace Ppsd.Host.Text.ChatTemplates.Values;

/// <summary>The <c>loop</c> variable in one round of a loop.</summary>
/// <param name="items">What the loop runs over, less what its condition left out.</param>
/// <param name="index">The round, from 0.</param>
internal sealed class LoopState(IReadOnlyList<object?> items, int index)
{
    /// <summary>An attribute; one that does not exist is undefined.</summary>
    public object? Attribute(string name) =>
        name switch
        {
            "index" => (long)index + 1,
            "index0" => (long)index,
            "revindex" => (long)items.Count - index,
            "revindex0" => (long)items.Count - index - 1,
            "first" => index == 0,
            "last" => index == items.Count - 1,
            "length" => (long)items.Count,
            "previtem" => index > 0 ? items[index - 1] : new Undefined("there is no previous item"),
            "nextitem" => index + 1 < items.Count ? items[index + 1] : new Undefined("there is no next item"),
            "cycle" => new TemplateFunction("loop.cycle", Cycle),
            _ => new Undefined($"'loop.{name}' is not supported"),
        };

    private object? Cycle(Arguments arguments)
    {
        var values = arguments.TakeAllPositional();
        return values.Count > 0
            ? values[index % values.Count]
            : throw new TemplateFaultException("loop.cycle needs a value");
    }
}
