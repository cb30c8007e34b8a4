namespace Ppsd.Host.Text.ChatTemplates.Syntax;

/// <summary>Names in a template that only the program can give a meaning, each with its place.</summary>
internal sealed class NameUses
{
    /// <summary>Filters, in the order of the text.</summary>
    public List<(int At, string Name)> Filters { get; } = [];

    /// <summary>Tests, in the order of the text.</summary>
    public List<(int At, string Name)> Tests { get; } = [];

    /// <summary>
    /// Functions that the template only ever calls: it neither defines nor assigns the name, nor asks whether there is such a
    /// thing.
    /// </summary>
    public List<(int At, string Name)> Functions { get; } = [];
}
