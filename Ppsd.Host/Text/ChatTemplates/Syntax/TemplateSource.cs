using Ppsd.Host.Text.Tokens;

namespace Ppsd.Host.Text.ChatTemplates.Syntax;

/// <summary>
/// The text of a template and the name that messages give it. Positions are offsets into <see cref="Text"/>.
/// </summary>
internal sealed class TemplateSource
{
    /// <summary>The longest template accepted, in UTF-16 units.</summary>
    public const int MaxLength = 1 << 20;

    /// <summary>
    /// Takes a template as Jinja does: line ends become "\n" and one line end at the very end is dropped.
    /// </summary>
    /// <exception cref="TextException">The template is too long.</exception>
    public TemplateSource(string name, string text)
    {
        Name = name;
        if (text.Length > MaxLength)
        {
            throw new TextException(
                $"{name}: the template has {text.Length} characters; at most {MaxLength} are accepted"
            );
        }

        text = text.Replace("\r\n", "\n").Replace('\r', '\n');
        Text = text.EndsWith('\n') ? text[..^1] : text;
    }

    /// <summary>The file, or where in a file the template stands.</summary>
    public string Name { get; }

    /// <summary>The template.</summary>
    public string Text { get; }

    /// <summary>An error at a position: the message is preceded by name, line and column.</summary>
    public TextException Error(int at, string message, bool isModelAtFault = true)
    {
        var before = Text.AsSpan(0, Math.Min(at, Text.Length));
        var line = before.Count('\n') + 1;
        var column = before.Length - before.LastIndexOf('\n');
        return new TextException($"{Name}({line},{column}): {message}") { IsModelAtFault = isModelAtFault };
    }
}
