namespace Ppsd.Host.Text.ChatTemplates.Values;

/// <summary>A sequence: a list, a tuple, or what a filter such as map yields one by one.</summary>
internal sealed record TemplateList(IReadOnlyList<object?> Items, TemplateList.Kinds Kind = TemplateList.Kinds.List)
{
    /// <summary>Kinds of sequences.</summary>
    public enum Kinds
    {
        /// <summary>A list.</summary>
        List,

        /// <summary>A tuple, which prints in parentheses.</summary>
        Tuple,

        /// <summary>A generator, which is always true and has neither length nor subscripts.</summary>
        Generator,
    }
}
