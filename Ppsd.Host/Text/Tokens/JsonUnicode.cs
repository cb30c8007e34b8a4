using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Ppsd.Host.Text.Tokens;

/// <summary>
/// Finds strings of JSON that are not Unicode text: an escape may spell half of a surrogate pair, which the reader accepts
/// and every attempt to take the string then refuses. Pure.
/// </summary>
internal static class JsonUnicode
{
    /// <summary>What such a string is called in messages.</summary>
    public const string Found = "half of a surrogate pair";

    /// <summary>The place of the first such string or name, as <c>messages[0].content</c>; null when there is none.</summary>
    /// <param name="json">Valid JSON, in valid UTF-8.</param>
    public static string? FindFault(ReadOnlySpan<byte> json)
    {
        // Few files escape surrogates at all, and some are long.
        if (json.IndexOf("\\ud"u8) < 0 && json.IndexOf("\\uD"u8) < 0)
        {
            return null;
        }

        var reader = new Utf8JsonReader(json);
        var place = new Stack<(bool IsArray, int Index, string Name)>();
        while (reader.Read())
        {
            switch (reader.TokenType)
            {
                case JsonTokenType.PropertyName when IsBroken(reader):
                    return Print(place.Skip(1)) + "a field's name";
                case JsonTokenType.PropertyName:
                    place.Push(place.Pop() with { Name = reader.GetString()! });
                    break;
                case JsonTokenType.String when IsBroken(reader):
                    return Print(place).TrimEnd('.') is { Length: > 0 } found ? found : "the text";
                case JsonTokenType.StartObject or JsonTokenType.StartArray:
                    place.Push((reader.TokenType == JsonTokenType.StartArray, 0, ""));
                    continue;
                case JsonTokenType.EndObject or JsonTokenType.EndArray:
                    place.Pop();
                    break;
                default:
                    break;
            }

            if (reader.TokenType != JsonTokenType.PropertyName && place.TryPop(out var around))
            {
                place.Push(around with { Index = around.Index + 1 });
            }
        }

        return null;
    }

    private static bool IsBroken(in Utf8JsonReader reader)
    {
        if (!reader.ValueIsEscaped)
        {
            return false;
        }

        var text = reader.ValueSpan;
        for (var i = text.IndexOf((byte)'\\'); i < text.Length && i >= 0; )
        {
            if (text[i] != '\\')
            {
                i++;
                continue;
            }

            if (text[i + 1] != 'u')
            {
                i += 2;
                continue;
            }

            var unit = CodeUnit(text[(i + 2)..]);
            i += 6;
            if (char.IsLowSurrogate(unit))
            {
                return true;
            }

            if (char.IsHighSurrogate(unit))
            {
                if (!text[i..].StartsWith("\\u"u8) || !char.IsLowSurrogate(CodeUnit(text[(i + 2)..])))
                {
                    return true;
                }

                i += 6;
            }
        }

        return false;
    }

    private static char CodeUnit(ReadOnlySpan<byte> digits) =>
        (char)ushort.Parse(digits[..4], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);

    private static string Print(IEnumerable<(bool IsArray, int Index, string Name)> place)
    {
        var text = new StringBuilder();
        foreach (var (isArray, index, name) in place.Reverse())
        {
            if (isArray)
            {
                text.Length -= text.Length > 0 && text[^1] == '.' ? 1 : 0;
                text.Append(CultureInfo.InvariantCulture, $"[{index}].");
            }
            else
            {
                text.Append(name.Length <= 64 ? name : $"{name.AsSpan(0, 61)}...").Append('.');
            }
        }

        return text.ToString();
    }
}
