using Ppsd.Host.Text;
using Ppsd.Host.Text.ChatTemplates;
using Ppsd.Host.Text.Tokens;

namespace Ppsd.Host.Api.Requests;

/// <summary>Turns a client's text into tokens.</summary>
internal static class PromptText
{
    /// <summary>Tokens of a raw prompt.</summary>
    /// <param name="text">The prompt.</param>
    /// <param name="addSpecialTokens">False to leave out what the model's files put around a text.</param>
    /// <param name="cancellation">Ends the tokenization of a long prompt.</param>
    public static int[] Encode(
        string text,
        ServedModel model,
        bool addSpecialTokens = true,
        CancellationToken cancellation = default
    )
    {
        RequireShort(text, model, "prompt");
        var tokenizer = model.Assets.Tokenizer;
        try
        {
            return addSpecialTokens
                ? tokenizer.Encode(text, cancellation)
                : tokenizer.EncodeRendered(text, cancellation);
        }
        catch (TextException e)
        {
            throw ApiException.BadRequest($"prompt: {e.Message}", "prompt", "invalid_value");
        }
    }

    /// <summary>Tokens of a conversation up to the assistant's turn.</summary>
    public static int[] EncodeChat(
        IReadOnlyList<ChatMessage> messages,
        ServedModel model,
        ChatRendering? rendering = null,
        CancellationToken cancellation = default
    )
    {
        try
        {
            var text = model.Assets.ChatTemplate.Render(messages, rendering ?? ChatRendering.Default);
            RequireShort(text, model, "messages");
            return model.Assets.Tokenizer.EncodeRendered(text, cancellation);
        }
        catch (TextException e) when (e.IsModelAtFault)
        {
            throw ApiException.Internal(e.Message);
        }
        catch (TextException e)
        {
            throw ApiException.BadRequest($"messages: {e.Message}", "messages", "invalid_value");
        }
    }

    /// <summary>
    /// A token has a bounded length, so a long text is known not to fit before time is spent on finding its tokens.
    /// </summary>
    private static void RequireShort(string text, ServedModel model, string param)
    {
        var longest = model.LongestPiece * (long)model.Context;
        if (text.Length > longest)
        {
            throw ApiException.BadRequest(
                $"{param}: a text of {text.Length} characters exceeds the model's context of {model.Context} tokens",
                param,
                "context_length_exceeded"
            );
        }
    }
}
