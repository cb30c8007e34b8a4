using System.Text.Json;
using Ppsd.Host.Text.ChatTemplates;

namespace Ppsd.Host.Api.Requests;

/// <summary>Reads how a conversation becomes the text of a prompt, as vLLM's requests say it. Pure.</summary>
internal static class ChatRenderingReader
{
    private const string Effort = "reasoning_effort";
    private const string Arguments = "chat_template_kwargs";

    // What the server sets itself.
    private static readonly string[] _taken = ["messages", "tools", "documents", "add_generation_prompt"];
    private static readonly string[] _efforts = ["none", "minimal", "low", "medium", "high", "xhigh"];

    /// <summary>Reads the fields.</summary>
    public static ChatRendering Read(RequestFields fields)
    {
        var continues = fields.Switch("continue_final_message") ?? false;
        var adds = fields.Switch("add_generation_prompt") ?? !continues;
        if (continues && adds)
        {
            throw ApiException.BadRequest(
                "continue_final_message: expected add_generation_prompt to be false or absent with it",
                "continue_final_message",
                "invalid_value"
            );
        }

        var variables = new Dictionary<string, JsonElement>(StringComparer.Ordinal);
        if (ReadEffort(fields, Effort) is { } effort)
        {
            variables.Add(Effort, effort);
        }

        ReadVariables(fields, variables);
        return new ChatRendering
        {
            AddsGenerationPrompt = adds,
            ContinuesFinalMessage = continues,
            Variables = variables,
        };
    }

    /// <summary>A model's effort to reason, which only its template can act upon; null when absent.</summary>
    public static JsonElement? ReadEffort(RequestFields fields, string name) =>
        fields.Find(name) switch
        {
            null => null,
            { } effort when Array.Exists(_efforts, known => FixedFields.IsText(effort, known)) => effort.Clone(),
            { } other => throw fields.Expected(
                name,
                $"{string.Join(", ", _efforts.SkipLast(1))} or {_efforts[^1]}",
                other
            ),
        };

    private static void ReadVariables(RequestFields fields, Dictionary<string, JsonElement> variables)
    {
        if (fields.Find(Arguments) is not { } given)
        {
            return;
        }

        if (given.ValueKind != JsonValueKind.Object)
        {
            throw fields.Expected(Arguments, "an object", given);
        }

        foreach (var property in given.EnumerateObject())
        {
            var name = RequestFields.NameOf(property);
            if (_taken.Contains(name))
            {
                throw ApiException.BadRequest(
                    $"{Arguments}.{name}: the server sets this variable itself",
                    $"{Arguments}.{name}",
                    "invalid_value"
                );
            }

            variables[name] = property.Value.Clone();
        }
    }
}
