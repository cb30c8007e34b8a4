using System.Globalization;
using Microsoft.Extensions.AI;
using Ppsd.Actors.Client;
using Ppsd.Actors.Messages;

namespace Ppsd.Actors.Chat;

/// <summary>
/// Maps a chat of Microsoft.Extensions.AI to a request for a text. Pure. AdditionalProperties: <c>min_p</c>,
/// <c>repetition_penalty</c>, <c>speculation</c> (true or false), <c>drafts</c> (the names of <c>--drafts</c>), <c>max_width</c>, <c>chain_depth</c>, <c>ignore_eos</c>, <c>logprobs</c>
/// (true or false) and <c>top_logprobs</c> (0 to 20).
/// </summary>
internal static class ChatRequest
{
    /// <summary>The request.</summary>
    /// <param name="messages">At least one; they are not kept.</param>
    /// <param name="options">Not changed and not kept.</param>
    /// <param name="drawSeed">Gives the seed of a request without one.</param>
    /// <exception cref="NotSupportedException">Something that would change the text is not supported; one line.</exception>
    /// <exception cref="ArgumentException">A value is of the wrong type, or there are no messages; one line.</exception>
    public static StartText Of(IEnumerable<ChatMessage> messages, ChatOptions? options, Func<long> drawSeed)
    {
        ArgumentNullException.ThrowIfNull(messages);
        options ??= new ChatOptions();
        Refuse(options);
        var turns = messages.Select(Turn).ToList();
        if (turns.Count == 0)
        {
            throw new ArgumentException("messages: expected at least one, found none", nameof(messages));
        }

        if (!string.IsNullOrEmpty(options.Instructions))
        {
            turns.Insert(0, new ChatTurn("system", options.Instructions));
        }

        return new StartText
        {
            Conversation = [.. turns],
            Settings = Settings(options, drawSeed),
            Window = TextGeneration.Window,
        };
    }

    private static TextSettings Settings(ChatOptions options, Func<long> drawSeed)
    {
        var further = new Dictionary<string, object?>(
            options.AdditionalProperties ?? [],
            StringComparer.OrdinalIgnoreCase
        );
        var logprobs = Take(further, "logprobs", Convert.ToBoolean);
        var topLogprobs = Take(further, "top_logprobs", Convert.ToInt32);
        var settings = new TextSettings
        {
            Model = options.ModelId,
            MaxTokens = options.MaxOutputTokens,
            Temperature = options.Temperature,
            TopK = options.TopK,
            TopP = options.TopP,
            MinP = Take(further, "min_p", Convert.ToSingle),
            RepetitionPenalty = Take(further, "repetition_penalty", Convert.ToSingle),
            PresencePenalty = options.PresencePenalty,
            FrequencyPenalty = options.FrequencyPenalty,
            Seed = unchecked((ulong)(options.Seed ?? drawSeed())),
            StopStrings = [.. options.StopSequences ?? []],
            Speculates = Take(further, "speculation", Convert.ToBoolean),
            MaxWidth = Take(further, "max_width", Convert.ToInt32),
            IgnoresEndTokens = Take(further, "ignore_eos", Convert.ToBoolean) ?? false,
            TopLogprobs = logprobs == false ? null : topLogprobs ?? (logprobs == true ? 0 : null),
            Resumes = Take(further, "resume", Convert.ToBoolean) ?? true,
            Drafts = further.Remove("drafts", out var drafts)
                ? Convert.ToString(drafts, CultureInfo.InvariantCulture)
                : null,
            ChainDepth = Take(further, "chain_depth", Convert.ToInt32),
        };
        return further.Count == 0
            ? settings
            : throw new NotSupportedException(
                "AdditionalProperties: expected min_p, repetition_penalty, speculation, drafts, max_width, chain_depth, ignore_eos, logprobs, "
                    + $"top_logprobs or resume, found '{further.Keys.First()}'"
            );
    }

    private static T? Take<T>(
        Dictionary<string, object?> properties,
        string name,
        Func<object?, IFormatProvider, T> convert
    )
        where T : struct
    {
        if (!properties.Remove(name, out var value) || value is null)
        {
            return null;
        }

        try
        {
            return convert(
                value is System.Text.Json.JsonElement json ? json.ToString() : value,
                CultureInfo.InvariantCulture
            );
        }
        catch (Exception e) when (e is FormatException or InvalidCastException or OverflowException)
        {
            throw new ArgumentException(
                $"AdditionalProperties: {name}: expected {(typeof(T) == typeof(bool) ? "true or false" : "a number")}, found '{value}'",
                e
            );
        }
    }

    private static ChatTurn Turn(ChatMessage message)
    {
        var role = message.Role.Value;
        if (role is not ("system" or "user" or "assistant"))
        {
            throw new NotSupportedException($"messages: expected role system, user or assistant, found '{role}'");
        }

        var other = message.Contents.FirstOrDefault(content => content is not TextContent);
        return other is null
            ? new ChatTurn(role, message.Text)
            : throw new NotSupportedException($"messages: expected text, found {other.GetType().Name}");
    }

    private static void Refuse(ChatOptions options)
    {
        Require(options.Tools is null or { Count: 0 }, "Tools: tool calls are not supported");
        Require(
            options.ToolMode is null or AutoChatToolMode or NoneChatToolMode,
            "ToolMode: tool calls are not supported"
        );
        Require(
            options.ResponseFormat is null or ChatResponseFormatText,
            "ResponseFormat: only plain text is supported"
        );
        Require(options.ConversationId is null, "ConversationId: conversations are not kept; send all messages");
        Require(options.ContinuationToken is null, "ContinuationToken: responses cannot be resumed");
        Require(options.AllowBackgroundResponses is not true, "AllowBackgroundResponses: not supported");
        Require(options.Reasoning is null, "Reasoning: not supported");
        Require(options.RawRepresentationFactory is null, "RawRepresentationFactory: not supported");
    }

    private static void Require(bool holds, string complaint)
    {
        if (!holds)
        {
            throw new NotSupportedException(complaint);
        }
    }
}
