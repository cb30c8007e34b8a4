using System.Text.Json;
using System.Text.Unicode;

namespace Ppsd.Host.Text.Tokens;

/// <summary>
/// One JSON file of a model folder. Its accessors name the file and the field when the content is not what they expect.
/// </summary>
internal sealed class JsonFile : IDisposable
{
    private readonly JsonDocument _document;

    private JsonFile(string path, JsonDocument document)
    {
        Path = path;
        _document = document;
    }

    /// <summary>Where the file lies, as messages show it.</summary>
    public string Path { get; }

    /// <summary>The outermost object; its elements live as long as this file is not disposed.</summary>
    public JsonElement Root => _document.RootElement;

    /// <summary>Reads and parses the file.</summary>
    /// <exception cref="TextException">The file is missing, is not JSON in Unicode text, or holds no object.</exception>
    public static JsonFile Open(string path)
    {
        try
        {
            ReadOnlyMemory<byte> bytes = TextFiles.ReadAllBytes(path);
            if (bytes.Span.StartsWith("\uFEFF"u8))
            {
                bytes = bytes[3..];
            }

            var document = JsonDocument.Parse(bytes);
            if (Fault(bytes.Span) is { } fault)
            {
                document.Dispose();
                throw new TextException($"{path}: {fault}");
            }

            if (document.RootElement.ValueKind == JsonValueKind.Object)
            {
                return new JsonFile(path, document);
            }

            var found = Describe(document.RootElement);
            document.Dispose();
            throw TextException.Unsupported(path, "the whole file", found, "a JSON object");
        }
        catch (JsonException e)
        {
            throw new TextException($"{path}: is not valid JSON {PlaceOf(e)}", e);
        }
    }

    /// <summary>Where a text ceases to be JSON, counted from 1 as editors do, in parentheses.</summary>
    public static string PlaceOf(JsonException error) =>
        $"(line {error.LineNumber + 1}, byte {error.BytePositionInLine + 1})";

    private static string? Fault(ReadOnlySpan<byte> json) =>
        !Utf8.IsValid(json) ? "expected UTF-8, found other bytes"
        : JsonUnicode.FindFault(json) is { } place ? $"{place}: expected Unicode text, found {JsonUnicode.Found}"
        : null;

    /// <summary>As <see cref="Open"/>, or null when there is no such file.</summary>
    public static JsonFile? OpenIfPresent(string path) => File.Exists(path) ? Open(path) : null;

    /// <summary>The member, or null when it is absent or JSON null.</summary>
    public static JsonElement? Find(JsonElement parent, string name) =>
        parent.ValueKind == JsonValueKind.Object
        && parent.TryGetProperty(name, out var value)
        && value.ValueKind != JsonValueKind.Null
            ? value
            : null;

    /// <summary>
    /// The steps of a section of tokenizer.json: those of its list when it is a Sequence, else the section alone.
    /// </summary>
    public static JsonElement[] Steps(JsonElement section, string listName) =>
        Find(section, listName) is { ValueKind: JsonValueKind.Array } list ? [.. list.EnumerateArray()] : [section];

    /// <summary>The member as a string, or null when it is absent or JSON null.</summary>
    public string? FindString(JsonElement parent, string name) =>
        Find(parent, name) is { } value ? AsString(value, name) : null;

    /// <summary>The member as a truth value, or null when it is absent or JSON null.</summary>
    public bool? FindBoolean(JsonElement parent, string name) =>
        Find(parent, name) switch
        {
            null => null,
            { ValueKind: JsonValueKind.True } => true,
            { ValueKind: JsonValueKind.False } => false,
            { } other => throw TextException.Unsupported(Path, name, Describe(other), "true or false"),
        };

    /// <summary>The value as a string; <paramref name="field"/> names it in messages.</summary>
    public string AsString(JsonElement value, string field) =>
        value.ValueKind == JsonValueKind.String
            ? value.GetString()!
            : throw TextException.Unsupported(Path, field, Describe(value), "a string");

    /// <summary>The value as a token id; <paramref name="field"/> names it in messages.</summary>
    public int AsTokenId(JsonElement value, string field) =>
        value.ValueKind == JsonValueKind.Number
        && value.TryGetInt32(out var id)
        && id is >= 0 and < TokenPieces.MaxCount
            ? id
            : throw TextException.Unsupported(
                Path,
                field,
                Describe(value),
                $"a token id from 0 to {TokenPieces.MaxCount - 1}"
            );

    /// <summary>The value, which must be an array; <paramref name="field"/> names it in messages.</summary>
    public JsonElement.ArrayEnumerator AsArray(JsonElement value, string field) =>
        value.ValueKind == JsonValueKind.Array
            ? value.EnumerateArray()
            : throw TextException.Unsupported(Path, field, Describe(value), "an array");

    /// <summary>The value, which must be an object; <paramref name="field"/> names it in messages.</summary>
    public JsonElement.ObjectEnumerator AsObject(JsonElement value, string field) =>
        value.ValueKind == JsonValueKind.Object
            ? value.EnumerateObject()
            : throw TextException.Unsupported(Path, field, Describe(value), "an object");

    /// <summary>A value as messages show it: its text, cut when long.</summary>
    public static string Describe(JsonElement value)
    {
        var text = value.GetRawText().ReplaceLineEndings(" ");
        return text.Length <= 80 ? text : $"{text.AsSpan(0, 77)}...";
    }

    /// <inheritdoc/>
    public void Dispose() => _document.Dispose();
}
