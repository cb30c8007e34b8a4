namespace Ppsd.Host.Text.ChatTemplates.Values;

/// <summary>
/// The evaluated arguments of one call. A callee takes each by place and name; what it did not take is refused, so that
/// an unknown argument is never ignored.
/// </summary>
/// <param name="callee">Name of the function or filter, for messages.</param>
/// <param name="positional">The arguments without a name.</param>
/// <param name="named">The arguments with a name.</param>
internal sealed class Arguments(string callee, IReadOnlyList<object?> positional, Dictionary<string, object?> named)
{
    private int _taken;

    /// <summary>Takes an argument if it is given.</summary>
    public bool TryTake(int place, string name, out object? value)
    {
        if (place < positional.Count)
        {
            value = positional[place];
            _taken++;
            return true;
        }

        if (named.TryGetValue(name, out value))
        {
            _taken++;
            return true;
        }

        return false;
    }

    /// <summary>Takes an argument that must be given.</summary>
    /// <exception cref="TemplateFaultException">It is not.</exception>
    public object? Take(int place, string name) =>
        TryTake(place, name, out var value)
            ? value
            : throw new TemplateFaultException($"{callee} needs the argument '{name}'");

    /// <summary>Takes an argument that must be a string.</summary>
    /// <exception cref="TemplateFaultException">It is missing or something else.</exception>
    public string TakeString(int place, string name) => AsString(Take(place, name), name);

    /// <summary>Takes a string if one is given; none counts as not given.</summary>
    /// <exception cref="TemplateFaultException">It is something else.</exception>
    public string? TakeOptionalString(int place, string name) =>
        TryTake(place, name, out var value) && value is not null ? AsString(value, name) : null;

    /// <summary>Takes an integer if one is given; none counts as not given.</summary>
    /// <exception cref="TemplateFaultException">It is something else.</exception>
    public long? TakeOptionalInteger(int place, string name) =>
        !TryTake(place, name, out var value) || value is null ? null
        : value is long number ? number
        : throw new TemplateFaultException($"{callee}: '{name}' must be an integer, but is {ValueNames.Of(value)}");

    /// <summary>Before the call: one more argument with a name.</summary>
    /// <exception cref="TemplateFaultException">There is one of this name.</exception>
    public void Name(string name, object? value)
    {
        if (!named.TryAdd(name, value))
        {
            throw new TemplateFaultException($"{callee} was given '{name}' twice");
        }
    }

    /// <summary>Whether an argument is given and counts as true.</summary>
    public bool TakeTruth(int place, string name) => TryTake(place, name, out var value) && Operators.IsTrue(value);

    /// <summary>Takes an integer that must be given.</summary>
    /// <exception cref="TemplateFaultException">It is missing or something else.</exception>
    public long TakeInteger(int place, string name) =>
        TakeOptionalInteger(place, name) ?? throw new TemplateFaultException($"{callee} needs the argument '{name}'");

    /// <summary>Takes the arguments without a name from a place on.</summary>
    public IReadOnlyList<object?> TakePositional(int place)
    {
        object?[] rest = [.. positional.Skip(place)];
        _taken += rest.Length;
        return rest;
    }

    /// <summary>Takes the arguments with a name, but those with one of <paramref name="names"/>.</summary>
    public IEnumerable<KeyValuePair<string, object?>> TakeNamedExcept(IEnumerable<string> names)
    {
        var rest = named.ExceptBy(names, entry => entry.Key).ToArray();
        _taken += rest.Length;
        return rest;
    }

    /// <summary>Takes every argument without a name.</summary>
    public IReadOnlyList<object?> TakeAllPositional()
    {
        _taken += positional.Count;
        return positional;
    }

    /// <summary>Takes every argument with a name.</summary>
    public IReadOnlyDictionary<string, object?> TakeAllNamed()
    {
        _taken += named.Count;
        return named;
    }

    /// <summary>All arguments from a place on, for another callee.</summary>
    public Arguments TakeRest(int place, string nextCallee)
    {
        var rest = new Arguments(nextCallee, [.. positional.Skip(place)], named);
        _taken += Math.Max(0, positional.Count - place) + named.Count;
        return rest;
    }

    /// <summary>Refuses arguments that the callee did not take.</summary>
    /// <exception cref="TemplateFaultException">There are some.</exception>
    public void RefuseRest()
    {
        if (_taken < positional.Count + named.Count)
        {
            var names = string.Join(", ", named.Keys.Select(name => $"'{name}'"));
            throw new TemplateFaultException(
                $"{callee} was given arguments it does not know: {positional.Count} without a name; named: {names}"
            );
        }
    }

    private string AsString(object? value, string name) =>
        value as string
        ?? throw new TemplateFaultException($"{callee}: '{name}' must be a string, but is {ValueNames.Of(value)}");
}
