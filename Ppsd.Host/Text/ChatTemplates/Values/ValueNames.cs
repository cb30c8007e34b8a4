namespace Ppsd.Host.Text.ChatTemplates.Values;

/// <summary>What messages call the values of a template.</summary>
internal static class ValueNames
{
    /// <summary>The kind of a value with its article.</summary>
    public static string Of(object? value) =>
        value switch
        {
            null => "none",
            Undefined => "undefined",
            bool => "a truth value",
            long => "an integer",
            double => "a number",
            string => "a string",
            TemplateList { Kind: TemplateList.Kinds.Tuple } => "a tuple",
            TemplateList { Kind: TemplateList.Kinds.Generator } => "a generator",
            TemplateList => "a list",
            TemplateMap => "a map",
            TemplateNamespace => "a namespace",
            LoopState => "the loop",
            _ => "a function",
        };
}
