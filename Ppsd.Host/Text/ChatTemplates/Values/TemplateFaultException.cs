using Ppsd.Host.Text.Tokens;

namespace Ppsd.Host.Text.ChatTemplates.Values;

/// <summary>
/// Something in a template cannot be evaluated. Carries no place: the operation that threw does not know it, so
/// <see cref="TemplateRenderer"/> adds it and throws a <see cref="TextException"/>.
/// </summary>
internal sealed class TemplateFaultException(string message) : Exception(message)
{
    /// <summary>Whether the template uses something that is not supported.</summary>
    public bool IsUnsupported { get; private init; }

    /// <summary>The template uses something that is not supported.</summary>
    public static TemplateFaultException Unsupported(string message) => new(message) { IsUnsupported = true };
}
