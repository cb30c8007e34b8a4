namespace Ppsd.Host.Text.Tokens;

/// <summary>
/// Text cannot be handled: a model's text files are missing or use something this program does not support, or a chat
/// template refuses a conversation. The message is one line, written for the person who runs the program.
/// </summary>
internal sealed class TextException : Exception
{
    /// <summary>Creates the exception with its one-line message.</summary>
    public TextException(string message)
        : base(message) { }

    /// <summary>Creates the exception with its one-line message and what caused it.</summary>
    public TextException(string message, Exception innerException)
        : base(message, innerException) { }

    /// <summary>
    /// True when the model's file needs something this program does not support: no other text would help, so the
    /// sender of the text is not to blame.
    /// </summary>
    public bool IsModelAtFault { get; init; }

    /// <summary>
    /// A file contains something unsupported: names the file, the field, what was found and what was expected.
    /// </summary>
    public static TextException Unsupported(string file, string field, string found, string supported) =>
        new($"{file}: {field}: found {found}; supported: {supported}") { IsModelAtFault = true };
}
