using System.Text.Json;

namespace Ppsd.Host.Api.Requests;

/// <summary>
/// Fields of OpenAI's and vLLM's requests that this server recognises but does not support: those that cannot change
/// the text are ignored, those that would are accepted only at their neutral value. Pure.
/// </summary>
internal static class FixedFields
{
    private static readonly string[] _ignored =
    [
        "user",
        "metadata",
        "service_tier",
        "safety_identifier",
        "prompt_cache_key",
        "prompt_cache_retention",
    ];

    private static readonly Dictionary<string, Func<JsonElement, bool>> _neutral = new(StringComparer.Ordinal)
    {
        ["n"] = value => IsNumber(value, 1),
        ["best_of"] = value => IsNumber(value, 1),
        ["echo"] = IsFalse,
        ["store"] = IsFalse,
        ["suffix"] = value => IsText(value, ""),
        ["logit_bias"] = IsEmpty,
        ["tools"] = IsEmpty,
        ["functions"] = IsEmpty,
        ["tool_choice"] = value => IsText(value, "none") || IsText(value, "auto"),
        ["function_call"] = value => IsText(value, "none") || IsText(value, "auto"),
        ["parallel_tool_calls"] = value => value.ValueKind is JsonValueKind.True or JsonValueKind.False,
        ["response_format"] = value =>
            value.ValueKind == JsonValueKind.Object
            && value.EnumerateObject().Count() == 1
            && value.TryGetProperty("type", out var type)
            && IsText(type, "text"),
        ["modalities"] = value =>
            value.ValueKind == JsonValueKind.Array && value.GetArrayLength() == 1 && IsText(value[0], "text"),
        ["length_penalty"] = value => IsNumber(value, 1),
        ["use_beam_search"] = IsFalse,
        ["min_tokens"] = value => IsNumber(value, 0),
    };

    /// <summary>Reads them all; throws for one with another than its neutral value.</summary>
    public static void Check(RequestFields fields)
    {
        foreach (var name in _ignored)
        {
            fields.Find(name);
        }

        foreach (var (name, isNeutral) in _neutral)
        {
            if (fields.Find(name) is { } value && !isNeutral(value))
            {
                throw ApiException.BadRequest(
                    name is "n" or "best_of"
                        ? $"{name}: only 1 is supported: send one request per text"
                        : $"{name}: this server does not support it",
                    name,
                    "unsupported_value"
                );
            }
        }
    }

    private static bool IsNumber(JsonElement value, int number) =>
        value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out var found) && found == number;

    private static bool IsFalse(JsonElement value) => value.ValueKind == JsonValueKind.False;

    private static bool IsText(JsonElement value, string text) =>
        value.ValueKind == JsonValueKind.String && value.ValueEquals(text);

    private static bool IsEmpty(JsonElement value) =>
        value.ValueKind switch
        {
            JsonValueKind.Array => value.GetArrayLength() == 0,
            JsonValueKind.Object => !value.EnumerateObject().Any(),
            _ => false,
        };
}
