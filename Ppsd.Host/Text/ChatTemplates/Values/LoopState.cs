namespace Ppsd.Host.Text.ChatTemplates.Values;

/// <summary>The <c>loop</c> variable in one round of a loop.</summary>
/// <param name="items">Elements of the loop that meet its condition.</param>
/// <param name="index">The round, from 0.</param>
/// <param name="depth">Nesting depth of a recursive loop.</param>
/// <param name="changes">What <c>loop.changed</c> was given last; the rounds of a loop share it.</param>
internal sealed class LoopState(IReadOnlyList<object?> items, int index, int depth, LoopState.Changes changes)
{
    /// <summary>The loop over other items; null unless it is recursive.</summary>
    public TemplateFunction? Again { get; init; }

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
            "depth" => (long)depth + 1,
            "depth0" => (long)depth,
            "changed" => new TemplateFunction("loop.changed", arguments => Changed(arguments)),
            "previtem" => index > 0 ? items[index - 1] : new Undefined("there is no previous item"),
            "nextitem" => index + 1 < items.Count ? items[index + 1] : new Undefined("there is no next item"),
            "cycle" => new TemplateFunction("loop.cycle", Cycle),
            _ => new Undefined($"'loop.{name}' is not supported"),
        };

    private bool Changed(Arguments arguments)
    {
        var values = new TemplateList(arguments.TakeAllPositional(), TemplateList.Kinds.Tuple);
        var isChanged = changes.Last is null || !changes.Operators.AreEqual(changes.Last, values);
        changes.Last = values;
        return isChanged;
    }

    private object? Cycle(Arguments arguments)
    {
        var values = arguments.TakeAllPositional();
        return values.Count > 0
            ? values[index % values.Count]
            : throw new TemplateFaultException("loop.cycle needs a value");
    }

    /// <summary>State shared by the iterations of one loop.</summary>
    /// <param name="operators">Compares values.</param>
    public sealed class Changes(Operators operators)
    {
        /// <summary>Compares values.</summary>
        public Operators Operators { get; } = operators;

        /// <summary>The arguments of the last call of <c>loop.changed</c>.</summary>
        public TemplateList? Last { get; set; }
    }
}
