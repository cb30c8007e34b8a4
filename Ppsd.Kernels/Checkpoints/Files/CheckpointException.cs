using System.Globalization;
using System.Text;

namespace Ppsd.Kernels.Checkpoints.Files;

/// <summary>
/// A model folder, or a file in it, cannot be used. The message is one line for the person who started the program: it
/// names the file, the tensor or field, what was expected and what was found.
/// </summary>
public sealed class CheckpointException : Exception
{
    // Names come from the file and may be as long as its header; a longer line is not useful.
    private const int MaxMessageChars = 1000;

    /// <summary>
    /// Creates the exception. The message stays one line: a line break, with the indentation after it, becomes a blank,
    /// and other control characters are escaped.
    /// </summary>
    public CheckpointException(string message)
        : base(OneLine(message)) { }

    /// <summary>Creates the exception with the error that led to it.</summary>
    public CheckpointException(string message, Exception? innerException)
        : base(OneLine(message), innerException) { }

    /// <summary>The usual form: <c>file: subject: expected this, found that</c>.</summary>
    internal static CheckpointException Mismatch(
        string file,
        string subject,
        string expected,
        string found,
        Exception? innerException = null
    ) => new($"{Shorten(file)}: {Shorten(subject)}: expected {expected}, found {found}", innerException);

    /// <summary>A text as one line of a message, for texts that hold names from a file.</summary>
    public static string OneLine(string message)
    {
        var line = new StringBuilder(message.Length);
        var isAfterBreak = false;
        foreach (var character in message)
        {
            // U+2028 and U+2029 end a line without being control characters; a lone surrogate breaks UTF-8 output.
            if (character is '\n' or '\r' or '\t' or '\u0085' or '\u2028' or '\u2029')
            {
                line.Append(isAfterBreak ? "" : " ");
                isAfterBreak = true;
                continue;
            }

            if (isAfterBreak && character == ' ')
            {
                continue;
            }

            isAfterBreak = false;
            if (char.IsControl(character) || char.IsSurrogate(character))
            {
                line.Append(CultureInfo.InvariantCulture, $"\\u{(int)character:x4}");
            }
            else
            {
                line.Append(character);
            }

            if (line.Length >= MaxMessageChars)
            {
                return line.Append('…').ToString();
            }
        }

        return line.ToString();
    }

    // Keeps the start and the end, where a path and a tensor name differ from their siblings.
    private static string Shorten(string text) => text.Length <= 300 ? text : $"{text[..140]}…{text[^140..]}";
}
