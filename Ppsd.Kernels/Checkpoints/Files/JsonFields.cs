using System.Text.Json;
using System.Text.Unicode;

namespace Ppsd.Kernels.Checkpoints.Files;

/// <summary>
/// The fields of one JSON object, read with refusals that name the file, the field, what was expected and what was
/// found. A field that is null counts as absent, which is how Python's configs write "not set". Immutable.
/// </summary>
internal sealed class JsonFields
{
    private const string PositiveSingleText = "a number above 0 in single precision";

    private readonly string _path;
    private readonly string _prefix;
    private readonly JsonElement _object;

    private JsonFields(string path, string prefix, JsonElement jsonObject)
    {
        _path = path;
        _prefix = prefix;
        _object = jsonObject;
    }

    /// <summary>Reads a file that must hold one JSON object.</summary>
    /// <param name="allowDuplicates">Whether a name may stand twice, when the last counts as it does in Python.</param>
    /// <exception cref="CheckpointException">The file is missing, unreadable, or holds something else.</exception>
    public static JsonFields ReadFile(string path, bool allowDuplicates = true)
    {
        var json = CheckpointFiles.ReadJson(path);
        if (!Utf8.IsValid(json.Span))
        {
            throw CheckpointException.Mismatch(path, "file", "valid UTF-8 text", "other bytes");
        }

        try
        {
            using var document = JsonDocument.Parse(json, new() { AllowDuplicateProperties = allowDuplicates });
            var root = document.RootElement;
            return root.ValueKind == JsonValueKind.Object
                ? new(path, "", root.Clone())
                : throw CheckpointException.Mismatch(path, "file", "a JSON object", Describe(root));
        }
        catch (JsonException error)
        {
            throw JsonErrors.Describe(path, "file", error);
        }
        catch (InvalidOperationException error)
        {
            throw InvalidText(path, "file", error);
        }
    }

    /// <summary>The names of all fields, in the order of the file.</summary>
    public IEnumerable<string> Names()
    {
        foreach (var property in _object.EnumerateObject())
        {
            yield return ReadName(property);
        }
    }

    /// <summary>The value of a field, or null when it is absent or null.</summary>
    public JsonElement? Find(string name) =>
        FindOrNull(name) is { ValueKind: not JsonValueKind.Null } value ? value : null;

    /// <summary>Whether there is a field of this name, null included.</summary>
    public bool Has(string name) => Names().Contains(name);

    /// <summary>
    /// An object inside this one, or null when it is absent. Its fields are named <c>outer.inner</c>.
    /// </summary>
    public JsonFields? FindObject(string name)
    {
        if (Find(name) is not { } value)
        {
            return null;
        }

        return value.ValueKind == JsonValueKind.Object
            ? new(_path, $"{_prefix}{name}.", value)
            : throw Refuse(name, "an object");
    }

    /// <summary>An object inside this one. Its fields are named <c>outer.inner</c>.</summary>
    public JsonFields RequireObject(string name) => FindObject(name) ?? throw Refuse(name, "an object");

    /// <summary>Text, or null when the field is absent.</summary>
    public string? FindString(string name, string expected = "text")
    {
        if (Find(name) is not { } value)
        {
            return null;
        }

        return value.ValueKind == JsonValueKind.String ? ReadText(name, value) : throw Refuse(name, expected);
    }

    /// <summary>Text.</summary>
    public string RequireString(string name, string expected = "text") =>
        FindString(name, expected) ?? throw Refuse(name, expected);

    /// <summary>A list of texts, or null when the field is absent.</summary>
    public string[]? FindStringList(string name, string expected)
    {
        if (Find(name) is not { } value)
        {
            return null;
        }

        return
            value.ValueKind == JsonValueKind.Array
            && value.EnumerateArray().All(item => item.ValueKind == JsonValueKind.String)
            ? [.. value.EnumerateArray().Select(item => ReadText(name, item))]
            : throw Refuse(name, expected);
    }

    /// <summary>True or false, or null when the field is absent.</summary>
    public bool? FindBoolean(string name) =>
        Find(name)?.ValueKind switch
        {
            null => null,
            JsonValueKind.True => true,
            JsonValueKind.False => false,
            _ => throw Refuse(name, "true or false"),
        };

    /// <summary>An integer of at least <paramref name="minimum"/>, or null when the field is absent.</summary>
    public int? FindInt32(string name, int minimum) => Find(name) is { } value ? ReadInt32(name, value, minimum) : null;

    /// <summary>An integer of at least <paramref name="minimum"/>.</summary>
    public int RequireInt32(string name, int minimum) =>
        FindInt32(name, minimum) ?? throw Refuse(name, Int32Text(minimum));

    /// <summary>
    /// Integers of at least <paramref name="minimum"/>: one, a list, or null when the field is absent.
    /// </summary>
    public int[]? FindInt32List(string name, int minimum)
    {
        if (Find(name) is not { } value)
        {
            return null;
        }

        return value.ValueKind == JsonValueKind.Array
            ? [.. value.EnumerateArray().Select(item => ReadInt32(name, item, minimum))]
            : [ReadInt32(name, value, minimum)];
    }

    /// <summary>A finite number that passes a test, or null when the field is absent.</summary>
    /// <param name="expected">The test in words.</param>
    public double? FindDouble(string name, Func<double, bool> isValid, string expected)
    {
        if (Find(name) is not { } value)
        {
            return null;
        }

        return
            value.ValueKind == JsonValueKind.Number
            && value.TryGetDouble(out var number)
            && double.IsFinite(number)
            && isValid(number)
            ? number
            : throw Refuse(name, expected);
    }

    /// <summary>A list of numbers above 0, or null when there is no such field.</summary>
    public double[]? FindPositiveDoubles(string name)
    {
        const string Expected = "a list of numbers above 0";
        if (Find(name) is not { } value)
        {
            return null;
        }

        if (value.ValueKind != JsonValueKind.Array)
        {
            throw Refuse(name, Expected);
        }

        return
        [
            .. value
                .EnumerateArray()
                .Select(number =>
                    number.ValueKind == JsonValueKind.Number && number.TryGetDouble(out var real) && real > 0
                        ? real
                        : throw Refuse(name, Expected)
                ),
        ];
    }

    /// <summary>A finite number above 0, or null when the field is absent.</summary>
    public double? FindPositiveDouble(string name) => FindDouble(name, number => number > 0, "a number above 0");

    /// <summary>A number above 0 that stays so in single precision, or null when the field is absent.</summary>
    public float? FindPositiveSingle(string name) =>
        (float?)FindDouble(name, number => (float)number is > 0 and < float.PositiveInfinity, PositiveSingleText);

    /// <summary>A number above 0 that stays so in single precision.</summary>
    public float RequirePositiveSingle(string name) =>
        FindPositiveSingle(name) ?? throw Refuse(name, PositiveSingleText);

    /// <summary>A finite number above 0.</summary>
    public double RequirePositiveDouble(string name) =>
        FindPositiveDouble(name) ?? throw Refuse(name, "a number above 0");

    /// <summary>The refusal of a field, which quotes its value.</summary>
    public CheckpointException Refuse(string name, string expected) =>
        Refuse(name, expected, FindOrNull(name) is { } value ? Describe(value) : "no such field");

    /// <summary>The refusal of a field.</summary>
    public CheckpointException Refuse(string name, string expected, string found) =>
        CheckpointException.Mismatch(_path, $"{_prefix}{name}", expected, found);

    private static string Describe(JsonElement value) => JsonErrors.Quote(value.GetRawText());

    private static string Int32Text(int minimum) => $"an integer from {minimum} to {int.MaxValue}";

    private static CheckpointException InvalidText(string path, string subject, Exception error) =>
        CheckpointException.Mismatch(path, subject, "valid UTF-8 text", error.Message, error);

    private int ReadInt32(string name, JsonElement value, int minimum) =>
        value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var number) && number >= minimum
            ? number
            : throw Refuse(name, Int32Text(minimum));

    // The value of a field, which may be the null value.
    private JsonElement? FindOrNull(string name) =>
        Decode(name, () => _object.TryGetProperty(name, out var value) ? value : (JsonElement?)null);

    private string ReadText(string name, JsonElement value) => Decode(name, () => value.GetString()!);

    private string ReadName(JsonProperty property) => Decode("name of a field", () => property.Name);

    // An escape may encode half of a surrogate pair, which is not valid text; this is detected only when the text is
    // read.
    private T Decode<T>(string name, Func<T> read)
    {
        try
        {
            return read();
        }
        catch (InvalidOperationException error)
        {
            throw InvalidText(_path, $"{_prefix}{name}", error);
        }
    }
}
