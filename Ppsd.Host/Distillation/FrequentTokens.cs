using Ppsd.Kernels.Checkpoints.Configuration;
using Ppsd.Kernels.Distillation.Teacher;

namespace Ppsd.Host.Distillation;

/// <summary>The most frequent tokens of answers, and how much of the answers they are.</summary>
/// <param name="List">The tokens.</param>
/// <param name="Answers">Answer tokens counted.</param>
/// <param name="Listed">Those of them that are in the list.</param>
internal sealed record FrequentTokens(DraftVocabulary List, long Answers, long Listed)
{
    /// <summary>Counts answers' tokens and takes the most frequent; of equally frequent ones those with lower ids.</summary>
    /// <param name="texts">The texts; only their answers are counted.</param>
    /// <param name="vocabSize">Tokens of the model.</param>
    /// <param name="size">Tokens to take, at most <paramref name="vocabSize"/>.</param>
    /// <param name="ends">Tokens that end a text, taken whatever their number: a head without them drafts on behind each end.</param>
    public static FrequentTokens Of(
        IEnumerable<TrainingSequence> texts,
        int vocabSize,
        int size,
        IReadOnlyList<int> ends
    )
    {
        var counts = new long[vocabSize];
        foreach (var text in texts)
        {
            // As in the loss: the first token of a text is predicted from nothing.
            for (var i = 1; i < text.Length; i++)
            {
                counts[text.Tokens[i]] += text.IsAnswer[i] ? 1 : 0;
            }
        }

        var always = ends.Where(token => token < vocabSize).ToHashSet();
        int[] tokens =
        [
            .. Enumerable
                .Range(0, vocabSize)
                .OrderByDescending(token => always.Contains(token))
                .ThenByDescending(token => counts[token])
                .ThenBy(token => token)
                .Take(Math.Max(size, always.Count))
                .Order(),
        ];
        return new FrequentTokens(DraftVocabulary.Of(tokens), counts.Sum(), tokens.Sum(token => counts[token]));
    }

    /// <summary>In words: <c>2,048 of 8,192 tokens, 99.1 % of the answers</c>.</summary>
    /// <param name="vocabSize">Tokens of the model.</param>
    public string Describe(int vocabSize) =>
        FormattableString.Invariant(
            $"{List.Count:N0} of {vocabSize:N0} tokens, {100.0 * Listed / Math.Max(1, Answers):0.0} % of the answers"
        );
}
