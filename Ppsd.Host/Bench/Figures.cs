using System.Globalization;
using System.Text.Json.Nodes;

namespace Ppsd.Host.Bench;

/// <summary>
/// Figures of reports, as text and as JSON. What could not be computed (a rate without a second token, a share of
/// nothing) is not a number; it is printed as <see cref="Absent"/> and written as null. Pure.
/// </summary>
internal static class Figures
{
    /// <summary>Stands for a figure that could not be computed.</summary>
    public const string Absent = "-";

    private static readonly AbsentFormat _format = new();

    /// <summary>Text that is the same in every culture.</summary>
    public static string Text(FormattableString text) => text.ToString(_format);

    /// <summary>The object as one line, with null for NaN and infinities, which JSON cannot express.</summary>
    public static string Line(JsonObject json)
    {
        Clear(json);
        return json.ToJsonString();
    }

    /// <summary>True for a number that could not be computed, or its placeholder.</summary>
    public static bool IsAbsent(object? figure) =>
        figure is double.NaN or double.PositiveInfinity or double.NegativeInfinity or Absent;

    private static void Clear(JsonNode? node)
    {
        switch (node)
        {
            case JsonObject parent:
                foreach (var (name, child) in parent.ToList())
                {
                    if (IsAbsentNode(child))
                    {
                        parent[name] = null;
                    }

                    Clear(child);
                }

                break;
            case JsonArray list:
                for (var i = 0; i < list.Count; i++)
                {
                    if (IsAbsentNode(list[i]))
                    {
                        list[i] = null;
                    }

                    Clear(list[i]);
                }

                break;
            default:
                break;
        }
    }

    private static bool IsAbsentNode(JsonNode? node) =>
        node is JsonValue value && value.TryGetValue<double>(out var number) && !double.IsFinite(number);

    private sealed class AbsentFormat : IFormatProvider, ICustomFormatter
    {
        public object? GetFormat(Type? formatType) =>
            formatType == typeof(ICustomFormatter) ? this : CultureInfo.InvariantCulture.GetFormat(formatType!);

        public string Format(string? format, object? arg, IFormatProvider? formatProvider) =>
            arg switch
            {
                double when IsAbsent(arg) => Absent,
                IFormattable figure => figure.ToString(format, CultureInfo.InvariantCulture),
                _ => arg?.ToString() ?? "",
            };
    }
}
