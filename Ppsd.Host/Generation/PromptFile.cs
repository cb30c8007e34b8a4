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
    public static List<int[]> Read(string path, ModelAssets assets, CancellationToken cancellation = default)
    {
        // Loads the tokenizer here, so that its failure is not reported as an error of the first line.
        _ = assets.Tokenizer;
        return JsonLines.ReadPrompts(
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
    }

    /// <summary>Reads a file whose lines have an <c>answer</c> too: the text behind the prompt.</summary>
    /// <exception cref="UserErrorException">A line cannot be read or has no answer; the message names file and line.</exception>
    public static List<(int[] Prompt, int[] Answer)> ReadAnswered(string path, ModelAssets assets)
    {
        // What the tokenizer puts before every text stands before the prompt already.
        var start = assets.Tokenizer.Encode("").Length;
        var answers = JsonLines.ReadPrompts(
            path,
            (line, place) =>
                line.TryGetProperty("answer", out var answer) && Text(answer, place, "answer") is { Length: > 0 } text
                    ? assets.Tokenizer.Encode(text)[start..]
                    : throw new UserErrorException($"{place}: answer: expected text, found none")
        );
        return [.. Read(path, assets).Zip(answers)];
    }

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
