namespace Ppsd.Host.Text.ChatTemplates.Values;

/// <summary>Something that a template can call: a global function, a macro, or a method of a value.</summary>
/// <param name="Name">As messages show it.</param>
/// <param name="Call">Computes its result.</param>
internal sealed record TemplateFunction(string Name, Func<Arguments, object?> Call);
