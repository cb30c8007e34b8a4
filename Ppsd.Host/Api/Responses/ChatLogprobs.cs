using System.Text;
using Ppsd.Actors.Ids;
using Ppsd.Actors.Messages;
using Ppsd.Host.Text.Tokens;

namespace Ppsd.Host.Api.Responses;

/// <summary>Log-probabilities in the chat route's shape.</summary>
/// <param name="Content">One entry a token.</param>
internal sealed record ChatLogprobs(ChatTokenLogprob[] Content)
{
    /// <summary>Those of some tokens; null when none were asked for.</summary>
    public static ChatLogprobs? Of(
        IEnumerable<int> tokens,
        IReadOnlyList<TokenLogprobs>? logprobs,
        ITextTokenizer tokenizer
    )
    {
        return logprobs is null ? null : new ChatLogprobs([.. tokens.Zip(logprobs, Entry)]);

        ChatTokenLogprob Entry(int token, TokenLogprobs thought)
        {
            var bytes = tokenizer.PieceBytes(token);
            return new ChatTokenLogprob(
                Encoding.UTF8.GetString(bytes),
                Logprob.Finite(thought.Chosen),
                Numbers(bytes),
                [.. Alternatives(token, thought).Select(Alternative)]
            );
        }

        // The most probable tokens and, behind them where it is less probable, the token itself.
        IEnumerable<TokenLogprob> Alternatives(int token, TokenLogprobs thought) =>
            thought.Top.Length == 0 || thought.Top.Any(top => top.Token.Value == token)
                ? thought.Top
                : [.. thought.Top, new TokenLogprob(new TokenId(token), thought.Chosen)];

        ChatTopLogprob Alternative(TokenLogprob top)
        {
            var bytes = tokenizer.PieceBytes(top.Token.Value);
            return new ChatTopLogprob(Encoding.UTF8.GetString(bytes), Logprob.Finite(top.Logprob), Numbers(bytes));
        }
    }

    /// <summary>Bytes as an array of numbers, where a byte array would become Base64.</summary>
    private static int[] Numbers(ReadOnlySpan<byte> bytes)
    {
        var numbers = new int[bytes.Length];
        for (var i = 0; i < bytes.Length; i++)
        {
            numbers[i] = bytes[i];
        }

        return numbers;
    }
}

/// <summary>A token and what the model thought of it.</summary>
internal sealed record ChatTokenLogprob(string Token, float Logprob, int[] Bytes, ChatTopLogprob[] TopLogprobs);

/// <summary>A token the model thought probable.</summary>
internal sealed record ChatTopLogprob(string Token, float Logprob, int[] Bytes);
