using System.Text.Json;
using Ppsd.Host.Models;
using Ppsd.Host.Text;
using Ppsd.Host.Text.Tokens;

namespace Ppsd.Host.Generation;

/// <summary>
/// Prompts as JSON lines. A line holds <c>prompt</c> (raw text), <c>messages</c> (a conversation) or <c>question</c> (one
/// user message); other fields are ignored.
/// </summary>
internal static class PromptFile
{
    /// <summary>Reads a file and turns its lines into tokens.</summary>
    /// <exception cref="UserErrorException">A line cannot be read; the message names file and line.</exception>
    public static List<int[]> Read(string path, ModelAssets assets, CancellationToken cancellation = default) =>
        JsonLines.ReadPrompts(
            path,
            (line, place) =>
            {
                try
                {
                    return Tokens(line, place, assets, cancellation);
                }
                catch (TextException e)
                {
                    throw new UserErrorException($"{place}: {e.Message}", e);
                }
            }
        );

    private static int[] Tokens(JsonElement line, string place, ModelAssets assets, CancellationToken cancellation)
    {
        if (line.TryGetProperty("prompt", out var prompt))
        {
            return assets.Tokenizer.Encode(Text(prompt, place, "prompt"), cancellation);
        }

        if (line.TryGetProperty("question", out var question))
        {
            return assets.EncodeChat([new ChatMessage("user", Text(question, place, "question"))], cancellation);
        }

        if (line.TryGetProperty("messages", out var messages) && messages.ValueKind == JsonValueKind.Array)
        {
            return assets.EncodeChat(
                [.. messages.EnumerateArray().Select(message => Message(message, place))],
                cancellation
            );
        }

        throw new UserErrorException($"{place}: expected 'prompt', 'messages' or 'question'");
    }

    private static ChatMessage Message(JsonElement message, string place) =>
        message.ValueKind == JsonValueKind.Object
        && message.TryGetProperty("role", out var role)
        && message.TryGetProperty("content", out var content)
            ? new ChatMessage(Text(role, place, "role"), Text(content, place, "content"))
            : throw new UserErrorException($"{place}: messages: expected objects with 'role' and 'content'");

    private static string Text(JsonElement element, string place, string name) =>
        element.ValueKind == JsonValueKind.String
            ? element.GetString()!
            : throw new UserErrorException($"{place}: {name}: expected a string, found {element.ValueKind}");
}
