namespace Ppsd.Host.Text.ChatTemplates.Values;

/// <summary>
/// The variables of a template, a round of a loop, a macro call or a block. Assignments stay in the innermost scope, so
/// a loop cannot change what it found; that is what namespaces are for.
/// </summary>
/// <param name="outer">The scope around it, or null.</param>
internal sealed class TemplateScope(TemplateScope? outer)
{
    private readonly Dictionary<string, object?> _variables = new(StringComparer.Ordinal);

    /// <summary>Sets a variable of this scope.</summary>
    public void Set(string name, object? value) => _variables[name] = value;

    /// <summary>A variable of this scope or the nearest one around it that has it, else undefined.</summary>
    public object? Get(string name)
    {
        for (var scope = this; scope is not null; scope = scope.Outer)
        {
            if (scope._variables.TryGetValue(name, out var value))
            {
                return value;
            }
        }

        return new Undefined($"'{name}' is undefined");
    }

    private TemplateScope? Outer => outer;
}
