using System.Text;
using Ppsd.Actors.Messages;
using Ppsd.Host.Text.Tokens;

namespace Ppsd.Host.Api.Responses;

/// <summary>Log-probabilities in the completions route's shape: parallel arrays.</summary>
/// <param name="Tokens">Text of each token.</param>
/// <param name="TokenLogprobs">Its log-probability.</param>
/// <param name="TopLogprobs">Text and log-probability of the most probable tokens in its place.</param>
/// <param name="TextOffset">Characters of the answer before it.</param>
internal sealed record CompletionLogprobs(
    string[] Tokens,
    float[] TokenLogprobs,
    Dictionary<string, float>[] TopLogprobs,
    int[] TextOffset
)
{
    /// <summary>Those of some tokens; null when none were asked for.</summary>
    /// <param name="logprobs">The target's log-probabilities of each token.</param>
    /// <param name="offset">Characters of the answer before them; moved behind them.</param>
    /// <param name="tokenizer">Knows their texts.</param>
    public static CompletionLogprobs? Of(
        IEnumerable<int> tokens,
        IReadOnlyList<TokenLogprobs>? logprobs,
        ref int offset,
        ITextTokenizer tokenizer
    )
    {
        if (logprobs is null)
        {
            return null;
        }

        string[] texts = [.. tokens.Select(TextOf)];
        var offsets = new int[texts.Length];
        for (var i = 0; i < texts.Length; i++)
        {
            offsets[i] = offset;
            offset += texts[i].Length;
        }

        return new CompletionLogprobs(
            texts,
            [.. logprobs.Select(thought => thought.Chosen)],
            [.. logprobs.Select(Alternatives)],
            offsets
        );

        Dictionary<string, float> Alternatives(TokenLogprobs thought)
        {
            // Tokens with the same text (bytes of broken characters) share an entry: the most probable of them.
            var alternatives = new Dictionary<string, float>();
            foreach (var top in thought.Top)
            {
                alternatives.TryAdd(TextOf(top.Token.Value), top.Logprob);
            }

            return alternatives;
        }

        string TextOf(int id) => Encoding.UTF8.GetString(tokenizer.PieceBytes(id));
    }
}
