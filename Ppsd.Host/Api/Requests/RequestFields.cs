using System.Text.Json;

namespace Ppsd.Host.Api.Requests;

/// <summary>
/// The fields of a JSON object, read by name and type. Fields that are <c>null</c> count as absent. Each refusal names
/// the field, what was expected and what was found; fields that were not read are refused by <see cref="RefuseRest"/>.
/// Pure.
/// </summary>
internal sealed class RequestFields
{
    private readonly Dictionary<string, JsonElement> _fields = new(StringComparer.Ordinal);
    private readonly HashSet<string> _unread = new(StringComparer.Ordinal);
    private readonly string _path;

    /// <summary>Reads an object.</summary>
    /// <param name="path">Path in the body with a trailing dot; empty for the body itself.</param>
    public RequestFields(JsonElement element, string path = "")
    {
        _path = path;
        if (element.ValueKind != JsonValueKind.Object)
        {
            throw ApiException.BadRequest(
                $"{(path.Length == 0 ? "the body" : path.TrimEnd('.'))}: expected a JSON object, found {Kind(element)}",
                path.Length == 0 ? null : path.TrimEnd('.')
            );
        }

        foreach (var property in element.EnumerateObject())
        {
            var name = NameOf(property);
            if (property.Value.ValueKind != JsonValueKind.Null)
            {
                _fields[name] = property.Value;
                _unread.Add(name);
            }
        }
    }

    /// <summary>Where a field stands in the body.</summary>
    public string PlaceOf(string name) => _path + name;

    /// <summary>A field as it is; null when absent.</summary>
    public JsonElement? Find(string name)
    {
        _unread.Remove(name);
        return _fields.TryGetValue(name, out var value) ? value : null;
    }

    /// <summary>Text; null when absent.</summary>
    public string? Text(string name) => Find(name) is { } value ? TextOf(value, _path + name, "a string") : null;

    /// <summary>True or false; null when absent.</summary>
    public bool? Switch(string name) =>
        Find(name) switch
        {
            null => null,
            { ValueKind: JsonValueKind.True } => true,
            { ValueKind: JsonValueKind.False } => false,
            { } other => throw Expected(name, "true or false", other),
        };

    /// <summary>A whole number in a range; null when absent.</summary>
    public int? Whole(string name, int min, int max) =>
        Find(name) switch
        {
            null => null,
            { } value when WholeOf(value) is { } number && number >= min && number <= max => (int)number,
            { } other => throw Expected(
                name,
                max == int.MaxValue ? $"a whole number from {min}" : $"a whole number from {min} to {max}",
                other
            ),
        };

    /// <summary>A number in a range; null when absent.</summary>
    public float? Number(string name, double min, double max, bool excludesMin = false) =>
        Find(name) switch
        {
            null => null,
            { ValueKind: JsonValueKind.Number } value
                when value.TryGetDouble(out var number)
                    && (excludesMin ? number > min : number >= min)
                    && number <= max => (float)number,
            { } other => throw Expected(
                name,
                FormattableString.Invariant(
                    $"a number {(excludesMin ? $"above {min} up to" : $"from {min} to")} {max}"
                ),
                other
            ),
        };

    /// <summary>The object in a field; null when absent.</summary>
    public RequestFields? Object(string name) =>
        Find(name) is { } value ? new RequestFields(value, $"{_path}{name}.") : null;

    /// <summary>Throws for the first field that was not read.</summary>
    public void RefuseRest()
    {
        foreach (var name in _unread.Order(StringComparer.Ordinal))
        {
            throw ApiException.BadRequest(
                $"{Shown(_path + name)}: this field is not supported",
                _path + name,
                "unsupported_field"
            );
        }
    }

    /// <summary>A refusal: field, expected, found.</summary>
    public ApiException Expected(string name, string expected, JsonElement found) =>
        Mismatch(_path + name, expected, found);

    /// <summary>A refusal: place, expected, found.</summary>
    public static ApiException Mismatch(string place, string expected, JsonElement found) =>
        ApiException.BadRequest($"{place}: expected {expected}, found {Kind(found)}", place, "invalid_value");

    /// <summary>A whole number, written with a fraction of zero or not; null for anything else.</summary>
    public static decimal? WholeOf(JsonElement value) =>
        value.ValueKind == JsonValueKind.Number
        && value.TryGetDecimal(out var number)
        && number == decimal.Truncate(number)
            ? number
            : null;

    /// <summary>The text of a JSON string; refuses halves of surrogate pairs, which are no Unicode text.</summary>
    public static string TextOf(JsonElement value, string place, string expected)
    {
        if (value.ValueKind != JsonValueKind.String)
        {
            throw Mismatch(place, expected, value);
        }

        try
        {
            return value.GetString()!;
        }
        catch (InvalidOperationException)
        {
            throw ApiException.BadRequest(
                $"{place}: expected Unicode text, found half of a surrogate pair",
                place,
                "invalid_value"
            );
        }
    }

    /// <summary>The name of a field; refuses halves of surrogate pairs.</summary>
    public static string NameOf(JsonProperty property)
    {
        try
        {
            return property.Name;
        }
        catch (InvalidOperationException)
        {
            throw ApiException.BadRequest("a field's name is not valid Unicode text");
        }
    }

    private static string Kind(JsonElement element) =>
        element.ValueKind switch
        {
            JsonValueKind.Object => "an object",
            JsonValueKind.Array => "an array",
            JsonValueKind.Null => "null",
            _ => Shown(element.GetRawText()),
        };

    /// <summary>Shortens a value for a message, because clients may send long ones.</summary>
    private static string Shown(string text) => text.Length <= 64 ? text : text[..61] + "...";
}
