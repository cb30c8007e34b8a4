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
        "prompt_cache_options",
        "prediction",
        "request_id",
        "priority",
        "cache_salt",
        "include_reasoning",
    ];

    private static readonly Dictionary<string, Func<JsonElement, bool>> _neutral = new(StringComparer.Ordinal)
    {
        ["store"] = IsFalse,
        ["suffix"] = value => IsText(value, ""),
        ["tool_choice"] = value => IsText(value, "none") || IsText(value, "auto"),
        ["function_call"] = value => IsText(value, "none") || IsText(value, "auto"),
        ["parallel_tool_calls"] = IsSwitch,
        ["response_format"] = IsPlainText,
        ["modalities"] = value =>
            value.ValueKind == JsonValueKind.Array && value.GetArrayLength() == 1 && IsText(value[0], "text"),
        ["verbosity"] = value => IsText(value, "medium"),
        ["length_penalty"] = value => IsNumber(value, 1),
        ["use_beam_search"] = IsFalse,
        ["early_stopping"] = IsFalse,
        ["min_tokens"] = value => IsNumber(value, 0),
        ["skip_special_tokens"] = IsTrue,
        ["spaces_between_special_tokens"] = IsSwitch,
        ["include_stop_str_in_output"] = IsFalse,
        ["stop_token_ids"] = IsEmpty,
        ["bad_words"] = IsEmpty,
        ["documents"] = IsEmpty,
        ["mm_processor_kwargs"] = IsEmpty,
        ["vllm_xargs"] = IsEmpty,
        ["logits_processors"] = IsEmpty,
        ["return_tokens_as_token_ids"] = IsFalse,
        ["return_token_ids"] = IsFalse,
    };

    /// <summary>Reads them all; throws for one that asks for something.</summary>
    /// <param name="fields">The request's fields.</param>
    /// <param name="ignored">A field that the route ignores, whatever its value; null for none.</param>
    public static void Check(RequestFields fields, string? ignored = null)
    {
        foreach (var name in _ignored)
        {
            fields.Find(name);
        }

        RefuseTools(fields);
        foreach (var (name, isNeutral) in _neutral)
        {
            if (fields.Find(name) is { } value && name != ignored)
            {
                Require(fields.PlaceOf(name), isNeutral(value));
            }
        }
    }

    /// <summary>Reads a field of one route that is accepted only at values that ask for nothing.</summary>
    public static void Check(RequestFields fields, string name, Func<JsonElement, bool> isNeutral)
    {
        if (fields.Find(name) is { } value)
        {
            Require(fields.PlaceOf(name), isNeutral(value));
        }
    }

    /// <summary>True for <c>false</c>.</summary>
    public static bool IsFalse(JsonElement value) => value.ValueKind == JsonValueKind.False;

    /// <summary>True for <c>true</c>.</summary>
    public static bool IsTrue(JsonElement value) => value.ValueKind == JsonValueKind.True;

    /// <summary>True for both of them.</summary>
    public static bool IsSwitch(JsonElement value) => IsTrue(value) || IsFalse(value);

    /// <summary>True for one text.</summary>
    public static bool IsText(JsonElement value, string text) =>
        value.ValueKind == JsonValueKind.String && value.ValueEquals(text);

    /// <summary>True for an empty array or object.</summary>
    public static bool IsEmpty(JsonElement value) =>
        value.ValueKind switch
        {
            JsonValueKind.Array => value.GetArrayLength() == 0,
            JsonValueKind.Object => !value.EnumerateObject().Any(),
            _ => false,
        };

    /// <summary>True for the description of plain text as a format.</summary>
    public static bool IsPlainText(JsonElement value) =>
        value.ValueKind == JsonValueKind.Object
        && value.EnumerateObject().Count() == 1
        && value.TryGetProperty("type", out var type)
        && IsText(type, "text");

    /// <summary>Tools that must not be called are left out of the prompt; others would change it.</summary>
    private static void RefuseTools(RequestFields fields)
    {
        foreach (
            var (tools, choice) in (ReadOnlySpan<(string, string)>)
                [("tools", "tool_choice"), ("functions", "function_call")]
        )
        {
            if (fields.Find(tools) is { } value)
            {
                Require(
                    tools,
                    IsEmpty(value)
                        || (
                            value.ValueKind == JsonValueKind.Array
                            && fields.Find(choice) is { } given
                            && IsText(given, "none")
                        )
                );
            }
        }
    }

    private static void Require(string name, bool isNeutral)
    {
        if (!isNeutral)
        {
            throw ApiException.BadRequest($"{name}: this server does not support it", name, "unsupported_value");
        }
    }

    private static bool IsNumber(JsonElement value, int number) =>
        value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out var found) && found == number;
}
