using System.Text.Json;
using Ppsd.Host.Text;

namespace Ppsd.Host.Api.Requests;

/// <summary>Reads <c>input</c> of <c>/v1/responses</c>: a text, or the messages of a conversation. Pure.</summary>
internal static class ResponsesInput
{
    private const string Field = "input";
    private const string Expected = "a string or an array of messages";

    /// <summary>The messages, the instructions before them.</summary>
    public static List<ChatMessage> Read(RequestFields fields, string? instructions)
    {
        var messages = new List<ChatMessage>();
        if (instructions is { Length: > 0 })
        {
            messages.Add(new ChatMessage("system", instructions));
        }

        if (fields.Find(Field) is not { } input)
        {
            throw ApiException.BadRequest($"{Field}: expected {Expected}, found nothing", Field, "missing_field");
        }

        if (input.ValueKind == JsonValueKind.String)
        {
            messages.Add(new ChatMessage("user", RequestFields.TextOf(input, Field, Expected)));
            return messages;
        }

        if (input.ValueKind != JsonValueKind.Array || input.GetArrayLength() == 0)
        {
            throw fields.Expected(Field, Expected, input);
        }

        messages.AddRange(input.EnumerateArray().Select((item, i) => Message(item, $"{Field}[{i}]")));
        return messages;
    }

    /// <summary>A message, also one that an earlier answer had as its output.</summary>
    private static ChatMessage Message(JsonElement item, string place)
    {
        var fields = new RequestFields(item, place + ".");
        if (fields.Find("type") is { } type && !FixedFields.IsText(type, "message"))
        {
            throw ApiException.BadRequest(
                $"{place}.type: only messages are supported",
                $"{place}.type",
                "unsupported_value"
            );
        }

        foreach (var unread in (ReadOnlySpan<string>)["id", "status", "phase"])
        {
            fields.Find(unread);
        }

        var message = new ChatMessage(
            ChatMessageReader.Role(fields, place),
            ChatMessageReader.Content(fields, place, ["input_text", "output_text", "text"])
        );
        fields.RefuseRest();
        return message;
    }
}
