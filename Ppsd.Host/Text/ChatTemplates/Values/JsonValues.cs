using System.Text.Json;

namespace Ppsd.Host.Text.ChatTemplates.Values;

/// <summary>JSON as values of a template.</summary>
internal static class JsonValues
{
    /// <summary>The value: objects are maps, whole numbers integers, null is none.</summary>
    public static object? From(JsonElement element)
    {
        switch (element.ValueKind)
        {
            case JsonValueKind.String:
                return element.GetString();
            case JsonValueKind.True:
            case JsonValueKind.False:
                return element.GetBoolean();
            case JsonValueKind.Number:
                return element.TryGetInt64(out var integer) ? (object)integer : element.GetDouble();
            case JsonValueKind.Array:
                return new TemplateList([.. element.EnumerateArray().Select(From)]);
            case JsonValueKind.Object:
                var map = new TemplateMap();
                foreach (var member in element.EnumerateObject())
                {
                    map.Set(member.Name, From(member.Value));
                }

                return map;
            default:
                return null;
        }
    }
}
