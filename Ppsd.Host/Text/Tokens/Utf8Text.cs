using System.Buffers;
using System.Text;
using System.Text.Unicode;

namespace Ppsd.Host.Text.Tokens;

/// <summary>Text files that must be UTF-8: what is not is an error, and never becomes another character silently. Pure.</summary>
internal static class Utf8Text
{
    /// <summary>The text of a file, without a byte order mark.</summary>
    /// <exception cref="FormatException">It is not UTF-8; the message begins with line and byte, to stand behind the file's name.</exception>
    public static string Decode(ReadOnlySpan<byte> bytes)
    {
        if (!Utf8.IsValid(bytes))
        {
            throw new FormatException(Explain(bytes));
        }

        return Encoding.UTF8.GetString(bytes.StartsWith("\uFEFF"u8) ? bytes[3..] : bytes);
    }

    /// <summary>The lines of a text.</summary>
    public static string[] Lines(string text)
    {
        var lines = new List<string>();
        using var reader = new StringReader(text);
        while (reader.ReadLine() is { } line)
        {
            lines.Add(line);
        }

        return [.. lines];
    }

    private static string Explain(ReadOnlySpan<byte> bytes)
    {
        var position = 0;
        while (
            position < bytes.Length
            && Rune.DecodeFromUtf8(bytes[position..], out _, out var length) == OperationStatus.Done
        )
        {
            position += length;
        }

        var before = bytes[..position];
        var line = before.Count((byte)'\n') + 1;
        var place = position - before.LastIndexOf((byte)'\n');
        return $"{line}: byte {place}: expected UTF-8, found 0x{bytes[Math.Min(position, bytes.Length - 1)]:X2}";
    }
}
