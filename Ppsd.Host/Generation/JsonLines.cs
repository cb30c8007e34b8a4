using System.Text;
using System.Text.Json;
using Ppsd.Host.Text.Tokens;

namespace Ppsd.Host.Generation;

/// <summary>Reads files of JSON lines: one JSON object a line, in UTF-8; empty lines count for nothing.</summary>
internal static class JsonLines
{
    /// <summary>Reads a file of prompts and turns each line into something; at least one.</summary>
    /// <param name="convert">Takes the line's object and its place, for messages.</param>
    /// <exception cref="UserErrorException">A line cannot be read; the message names file and line, and the field at fault.</exception>
    public static List<T> ReadPrompts<T>(string path, Func<JsonElement, string, T> convert) =>
        Read("--prompts", path, "no prompts in it", convert);

    /// <summary>Reads a file and turns each line into something; at least one.</summary>
    /// <param name="option">The option that named the file, for messages.</param>
    /// <param name="nothing">What a file without lines is called.</param>
    /// <param name="convert">Takes the line's object and its place, for messages.</param>
    /// <exception cref="UserErrorException">A line cannot be read; the message names file and line, and the field at fault.</exception>
    public static List<T> Read<T>(string option, string path, string nothing, Func<JsonElement, string, T> convert)
    {
        var lines = ReadLines(option, path);
        var results = new List<T>();
        for (var i = 0; i < lines.Length; i++)
        {
            if (!string.IsNullOrWhiteSpace(lines[i]))
            {
                results.Add(Parse(lines[i], $"{path}:{i + 1}", convert));
            }
        }

        return results.Count > 0 ? results : throw new UserErrorException($"{option}: {path}: {nothing}");
    }

    private static string[] ReadLines(string option, string path)
    {
        try
        {
            return Utf8Text.Lines(Utf8Text.Decode(UserFiles.ReadAllBytes(option, path)));
        }
        catch (FormatException e)
        {
            throw new UserErrorException($"{path}:{e.Message}", e);
        }
    }

    private static T Parse<T>(string line, string place, Func<JsonElement, string, T> convert)
    {
        try
        {
            var bytes = Encoding.UTF8.GetBytes(line);
            using var document = JsonDocument.Parse(bytes);
            if (document.RootElement.ValueKind != JsonValueKind.Object)
            {
                throw new UserErrorException(
                    $"{place}: expected a JSON object, found {document.RootElement.ValueKind}"
                );
            }

            if (JsonUnicode.FindFault(bytes) is { } field)
            {
                throw new UserErrorException($"{place}: {field}: expected Unicode text, found {JsonUnicode.Found}");
            }

            return convert(document.RootElement, place);
        }
        catch (JsonException e)
        {
            // The place counts lines already.
            throw new UserErrorException($"{place}: not JSON (byte {e.BytePositionInLine + 1})", e);
        }
    }
}
