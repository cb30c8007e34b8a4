using Ppsd.Host.Text;
using Ppsd.Host.Text.ChatTemplates;
using Ppsd.Host.Text.Tokens;

namespace Ppsd.Host.Api.Requests;

/// <summary>Turns a client's text into tokens.</summary>
internal static class PromptText
{
    /// <summary>Tokens of a raw prompt.</summary>
    /// <param name="addsSpecialTokens">False to leave out what the model's files put around a text.</param>
    /// <param name="place">The field it came from.</param>
    /// <param name="cancellation">Ends the work.</param>
    public static int[] Encode(
        string text,
        ServedModel model,
        bool addsSpecialTokens,
        string place,
        CancellationToken cancellation
    )
    {
        RequireShort(text, model, place);
        return Tokenize(text, model, addsSpecialTokens, place, cancellation);
    }

    /// <summary>As <see cref="Encode"/>, however long the text is.</summary>
    public static int[] Tokenize(
        string text,
        ServedModel model,
        bool addsSpecialTokens,
        string place,
        CancellationToken cancellation
    )
    {
        var tokenizer = model.Assets.Tokenizer;
        try
        {
            return addsSpecialTokens
                ? tokenizer.Encode(text, cancellation)
                : tokenizer.EncodeRendered(text, cancellation);
        }
        catch (TextException e)
        {
            throw ApiException.BadRequest($"{place}: {e.Message}", place, "invalid_value");
        }
    }

    /// <summary>Tokens of a conversation.</summary>
    /// <param name="rendering">What their text is made of besides, and where it ends.</param>
    /// <param name="cancellation">Ends the work.</param>
    public static int[] EncodeChat(
        IReadOnlyList<ChatMessage> messages,
        ChatRendering rendering,
        ServedModel model,
        CancellationToken cancellation
    ) => EncodeChat(messages, rendering, model, isBounded: true, cancellation);

    /// <summary>As <see cref="EncodeChat(IReadOnlyList{ChatMessage}, ChatRendering, ServedModel, CancellationToken)"/>, however long the text is.</summary>
    public static int[] TokenizeChat(
        IReadOnlyList<ChatMessage> messages,
        ChatRendering rendering,
        ServedModel model,
        CancellationToken cancellation
    ) => EncodeChat(messages, rendering, model, isBounded: false, cancellation);

    private static int[] EncodeChat(
        IReadOnlyList<ChatMessage> messages,
        ChatRendering rendering,
        ServedModel model,
        bool isBounded,
        CancellationToken cancellation
    )
    {
        try
        {
            var text = model.Assets.ChatTemplate.Render(messages, rendering);
            if (isBounded)
            {
                RequireShort(text, model, "messages");
            }

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
                $"{param}: a text of {text.Length} characters exceeds {model.ContextInWords}",
                param,
                "context_length_exceeded"
            );
        }
    }
}
