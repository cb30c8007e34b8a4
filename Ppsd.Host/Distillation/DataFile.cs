using System.Text.Json;
using Ppsd.Host.Generation;
using Ppsd.Host.Models;
using Ppsd.Host.Text;
using Ppsd.Host.Text.ChatTemplates;
using Ppsd.Host.Text.Tokens;
using Ppsd.Kernels.Distillation.Teacher;

namespace Ppsd.Host.Distillation;

/// <summary>
/// Training data as JSON lines: <c>messages</c>, <c>question</c> with <c>answer</c>, <c>prompt</c> with <c>completion</c>, or
/// <c>text</c>. Conversations go through the model's chat template and only the assistant's words count in the loss; of a raw
/// text all tokens count. Other fields are ignored.
/// </summary>
/// <param name="assets">The model, whose tokenizer and template are used.</param>
/// <param name="option">The option that named the file, for messages.</param>
internal sealed class DataFile(ModelAssets assets, string option)
{
    private const string Expected = "'messages', 'question' and 'answer', 'prompt' and 'completion', or 'text'";

    private static readonly string[] _roles = ["system", "developer", "user", "assistant", "tool"];

    private static readonly ChatRendering _whole = new() { AddsGenerationPrompt = false };

    /// <summary>Reads a file.</summary>
    /// <exception cref="UserErrorException">A line cannot be used; the message names file and line.</exception>
    public List<DataText> Read(string path) =>
        JsonLines.Read(
            option,
            path,
            $"expected JSON lines with {Expected}, found no lines",
            (line, place) =>
            {
                try
                {
                    return Parse(line, place);
                }
                catch (TextException e)
                {
                    throw new UserErrorException($"{place}: {e.Message}", e);
                }
            }
        );

    private DataText Parse(JsonElement line, string place)
    {
        if (line.TryGetProperty("messages", out var messages))
        {
            return messages.ValueKind == JsonValueKind.Array
                ? Conversation(
                    [.. messages.EnumerateArray().Select((message, i) => Message(message, place, $"messages[{i}]"))],
                    place
                )
                : throw new UserErrorException($"{place}: messages: expected an array, found {messages.ValueKind}");
        }

        if (line.TryGetProperty("question", out var question) && line.TryGetProperty("answer", out var answer))
        {
            return Conversation(
                [
                    new ChatMessage("user", Text(question, place, "question")),
                    new ChatMessage("assistant", Words(answer, place, "answer")),
                ],
                place
            );
        }

        if (line.TryGetProperty("prompt", out var prompt) && line.TryGetProperty("completion", out var completion))
        {
            return Completion(Text(prompt, place, "prompt"), Words(completion, place, "completion"));
        }

        if (line.TryGetProperty("text", out var text))
        {
            return Whole(Words(text, place, "text"));
        }

        throw new UserErrorException($"{place}: expected {Expected}, found {Fields(line)}");
    }

    /// <summary>
    /// A tokenizer may merge characters across the start of an answer, so the answer's tokens are found by comparing the whole
    /// conversation's tokens with the tokens of the text before the answer, and of the text up to its end.
    /// </summary>
    private DataText Conversation(ChatMessage[] messages, string place)
    {
        var whole = assets.Tokenizer.EncodeRendered(assets.ChatTemplate.Render(messages, _whole));
        var isAnswer = new bool[whole.Length];
        int[]? prompt = null;
        for (var i = 0; i < messages.Length; i++)
        {
            if (messages[i].Role != "assistant" || string.IsNullOrWhiteSpace(messages[i].Content))
            {
                continue;
            }

            var before = assets.EncodeChat(messages[..i]);
            var until = assets.Tokenizer.EncodeRendered(assets.ChatTemplate.Render(messages[..(i + 1)], _whole));
            prompt = before;
            var start = CommonLength(whole, before);
            isAnswer.AsSpan(start, Math.Max(0, CommonLength(whole, until) - start)).Fill(true);
        }

        return prompt is null
            ? throw new UserErrorException(
                $"{place}: messages: expected one of the role 'assistant' with words, found none"
            )
            : new DataText(new TrainingSequence(whole, isAnswer), prompt);
    }

    private DataText Completion(string prompt, string completion)
    {
        var before = assets.Tokenizer.Encode(prompt);
        int[] whole = [.. assets.Tokenizer.Encode(prompt + completion), .. End()];
        var isAnswer = new bool[whole.Length];
        isAnswer.AsSpan(CommonLength(whole, before)).Fill(true);
        return new DataText(new TrainingSequence(whole, isAnswer), before);
    }

    /// <summary>The first half of a raw text, as a prompt that the target continues.</summary>
    private DataText Whole(string text)
    {
        int[] whole = [.. assets.Tokenizer.Encode(text), .. End()];
        var isAnswer = Enumerable.Repeat(true, whole.Length).ToArray();
        return new DataText(new TrainingSequence(whole, isAnswer), whole[..((whole.Length + 1) / 2)]);
    }

    private int[] End() => assets.EndTokenIds is [var end, ..] ? [end] : [];

    private static int CommonLength(int[] a, int[] b) => a.AsSpan().CommonPrefixLength(b);

    private static string Fields(JsonElement line)
    {
        var names = line.EnumerateObject().Select(property => $"'{property.Name}'").ToArray();
        return names.Length == 0 ? "no fields" : string.Join(", ", names);
    }

    private static ChatMessage Message(JsonElement message, string place, string name) =>
        message.ValueKind == JsonValueKind.Object
        && message.TryGetProperty("role", out var role)
        && message.TryGetProperty("content", out var content)
            ? new ChatMessage(Role(role, place, $"{name}.role"), Text(content, place, $"{name}.content"))
            : throw new UserErrorException($"{place}: messages: expected objects with 'role' and 'content'");

    /// <summary>A template passes over roles that it does not know, and their words would be missing from the text.</summary>
    private static string Role(JsonElement element, string place, string name) =>
        Text(element, place, name) is var role && _roles.Contains(role)
            ? role
            : throw new UserErrorException($"{place}: {name}: expected {string.Join(" or ", _roles)}, found '{role}'");

    /// <summary>What is to be learnt from; of an empty one nothing would be but its end.</summary>
    private static string Words(JsonElement element, string place, string name) =>
        Text(element, place, name) is var text && !string.IsNullOrWhiteSpace(text)
            ? text
            : throw new UserErrorException($"{place}: {name}: expected words, found none");

    private static string Text(JsonElement element, string place, string name) =>
        element.ValueKind == JsonValueKind.String
            ? element.GetString()!
            : throw new UserErrorException($"{place}: {name}: expected a string, found {element.ValueKind}");
}
