namespace Ppsd.Host.Text.ChatTemplates.Values;

/// <summary>What <c>namespace()</c> makes: variables that a loop can set for the time after it.</summary>
internal sealed class TemplateNamespace
{
    /// <summary>The variables.</summary>
    public Dictionary<string, object?> Fields { get; } = [];
}
