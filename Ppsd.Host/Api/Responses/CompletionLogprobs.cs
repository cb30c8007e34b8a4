using System.Text;
using Ppsd.Actors.Messages;
using Ppsd.Host.Text.Tokens;

namespace Ppsd.Host.Api.Responses;

/// <summary>Log-probabilities in the completions route's shape: parallel arrays.</summary>
/// <param name="Tokens">Text of each token.</param>
/// <param name="TokenLogprobs">Its log-probability.</param>
/// <param name="TopLogprobs">Text and log-probability of the most probable tokens in its place, and of the token itself.</param>
/// <param name="TextOffset">Characters (code points) of the generated text before it.</param>
internal sealed record CompletionLogprobs(
    string[] Tokens,
    float[] TokenLogprobs,
    Dictionary<string, float>[] TopLogprobs,
    int[] TextOffset
)
{
    /// <summary>Those of some tokens; null when none were asked for.</summary>
    /// <param name="logprobs">What the target thought of each.</param>
    /// <param name="offsets">Knows where they begin; moved behind them.</param>
    /// <param name="tokenizer">Knows their texts.</param>
    public static CompletionLogprobs? Of(
        IEnumerable<int> tokens,
        IReadOnlyList<TokenLogprobs>? logprobs,
        CharacterOffsets offsets,
        ITextTokenizer tokenizer
    )
    {
        if (logprobs is null)
        {
            return null;
        }

        int[] ids = [.. tokens];
        return new CompletionLogprobs(
            [.. ids.Select(TextOf)],
            [.. logprobs.Select(thought => Logprob.Finite(thought.Chosen))],
            [.. ids.Zip(logprobs, Alternatives)],
            [.. ids.Select(offsets.Next)]
        );

        Dictionary<string, float> Alternatives(int token, TokenLogprobs thought)
        {
            // Tokens with the same text (bytes of broken characters) share an entry: the most probable of them.
            var alternatives = new Dictionary<string, float>();
            foreach (var top in thought.Top)
            {
                alternatives.TryAdd(TextOf(top.Token.Value), Logprob.Finite(top.Logprob));
            }

            alternatives.TryAdd(TextOf(token), Logprob.Finite(thought.Chosen));
            return alternatives;
        }

        string TextOf(int id) => Encoding.UTF8.GetString(tokenizer.PieceBytes(id));
    }
}
