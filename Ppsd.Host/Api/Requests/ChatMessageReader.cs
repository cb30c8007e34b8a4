using System.Text;
using System.Text.Json;
using Ppsd.Host.Text;

namespace Ppsd.Host.Api.Requests;

/// <summary>Reads the messages of a conversation. Pure.</summary>
internal static class ChatMessageReader
{
    /// <summary>The messages, at least one.</summary>
    public static List<ChatMessage> Read(RequestFields fields)
    {
        if (fields.Find("messages") is not { } messages)
        {
            throw ApiException.BadRequest(
                "messages: expected an array of messages, found nothing",
                "messages",
                "missing_field"
            );
        }

        if (messages.ValueKind != JsonValueKind.Array || messages.GetArrayLength() == 0)
        {
            throw fields.Expected("messages", "an array of at least one message", messages);
        }

        return [.. messages.EnumerateArray().Select((message, i) => Read(message, $"messages[{i}]"))];
    }

    private static ChatMessage Read(JsonElement element, string place)
    {
        var fields = new RequestFields(element, place + ".");
        var role = Role(fields, place);
        var content = Content(fields, place, ["text"]);
        var name = fields.Find("name");
        var message = new ChatMessage(role, content)
        {
            Further = name is { } given
                ? new Dictionary<string, JsonElement>
                {
                    ["name"] =
                        RequestFields.TextOf(given, $"{place}.name", "a string").Length >= 0 ? given.Clone() : default,
                }
                : null,
        };
        foreach (var empty in (ReadOnlySpan<string>)["tool_calls", "annotations"])
        {
            FixedFields.Check(fields, empty, FixedFields.IsEmpty);
        }

        fields.RefuseRest();
        return message;
    }

    /// <summary>OpenAI's newer word for the system's role is <c>developer</c>; templates know only the older.</summary>
    public static string Role(RequestFields fields, string place) =>
        fields.Text("role") switch
        {
            "system" or "developer" => "system",
            "user" => "user",
            "assistant" => "assistant",
            null => throw ApiException.BadRequest(
                $"{place}.role: expected system, user or assistant, found nothing",
                $"{place}.role",
                "missing_field"
            ),
            var other => throw ApiException.BadRequest(
                $"{place}.role: expected system, user or assistant, found '{(other.Length <= 64 ? other : other[..61] + "...")}'",
                $"{place}.role",
                "invalid_value"
            ),
        };

    /// <summary>The text of a message's content: a string, or an array of text parts.</summary>
    /// <param name="fields">The message's fields.</param>
    /// <param name="message">Where it stands.</param>
    /// <param name="types">Types of parts that are text.</param>
    public static string Content(RequestFields fields, string message, IReadOnlyList<string> types)
    {
        var place = $"{message}.content";
        var content =
            fields.Find("content")
            ?? throw ApiException.BadRequest($"{place}: expected text, found nothing", place, "missing_field");
        if (content.ValueKind != JsonValueKind.Array)
        {
            return RequestFields.TextOf(content, place, "a string or an array of text parts");
        }

        var text = new StringBuilder();
        var index = 0;
        foreach (var element in content.EnumerateArray())
        {
            var part = new RequestFields(element, $"{place}[{index}].");
            if (part.Text("type") is var type && !types.Contains(type))
            {
                throw ApiException.BadRequest(
                    $"{place}[{index}].type: only text is supported, found {(type is null ? "nothing" : "another type")}",
                    $"{place}[{index}].type",
                    "unsupported_value"
                );
            }

            text.Append(
                part.Text("text")
                    ?? throw ApiException.BadRequest(
                        $"{place}[{index}].text: expected a string, found nothing",
                        $"{place}[{index}].text",
                        "missing_field"
                    )
            );
            foreach (var unread in (ReadOnlySpan<string>)["annotations", "logprobs"])
            {
                // An earlier answer's, sent back with it.
                part.Find(unread);
            }

            part.RefuseRest();
            index++;
        }

        return text.ToString();
    }
}
