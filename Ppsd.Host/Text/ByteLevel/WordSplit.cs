using System.Text.RegularExpressions;

namespace Ppsd.Host.Text.ByteLevel;

/// <summary>One step of cutting text into words: every word is cut at the matches of a regular expression.</summary>
/// <param name="KeepsMatches">Whether the matches are words.</param>
/// <param name="KeepsGaps">Whether what lies between them is.</param>
/// <param name="Join">Which of them become one word.</param>
internal sealed record WordSplit(Regex Pattern, bool KeepsMatches, bool KeepsGaps, WordSplit.Joins Join)
{
    /// <summary>What becomes one word with that which it follows at once.</summary>
    public enum Joins
    {
        /// <summary>Nothing.</summary>
        None,

        /// <summary>A match, with the gap before it.</summary>
        MatchToGap,

        /// <summary>A gap, with the match before it.</summary>
        GapToMatch,

        /// <summary>A match, with the matches before it.</summary>
        MatchToMatch,
    }

    private const int MatchesPerLook = 1 << 12;

    /// <summary>Cuts each of <paramref name="words"/> and adds what is kept to <paramref name="result"/>.</summary>
    /// <param name="text">
    /// The whole text; look-ahead does not see beyond the word, as in the tokenizers library.
    /// </param>
    /// <param name="words">Ranges of the text.</param>
    /// <param name="result">Receives ranges of the text, none of them empty.</param>
    /// <param name="cancellation">Ends the work with an <see cref="OperationCanceledException"/>.</param>
    public void Apply(
        ReadOnlySpan<char> text,
        List<WordRange> words,
        List<WordRange> result,
        CancellationToken cancellation
    )
    {
        foreach (var word in words)
        {
            cancellation.ThrowIfCancellationRequested();
            var end = word.Start;
            bool? isAfterMatch = null; // whether the last word of this one was a match; null for none
            foreach (var match in Pattern.EnumerateMatches(text.Slice(word.Start, word.Length)))
            {
                if (result.Count % MatchesPerLook == 0)
                {
                    cancellation.ThrowIfCancellationRequested();
                }

                var start = word.Start + match.Index;
                Add(isMatch: false, end, start, ref isAfterMatch);
                end = start + match.Length;
                Add(isMatch: true, start, end, ref isAfterMatch);
            }

            Add(isMatch: false, end, word.Start + word.Length, ref isAfterMatch);
        }

        void Add(bool isMatch, int start, int end, ref bool? isAfterMatch)
        {
            if (end <= start || !(isMatch ? KeepsMatches : KeepsGaps))
            {
                return;
            }

            var joins =
                (Join, isAfterMatch, isMatch)
                is
                    (Joins.MatchToGap, false, true)
                    or
                    (Joins.GapToMatch, true, false)
                    or
                    (Joins.MatchToMatch, true, true);
            if (joins)
            {
                result[^1] = result[^1] with { Length = end - result[^1].Start };
            }
            else
            {
                result.Add(new WordRange(start, end - start));
            }

            isAfterMatch = isMatch;
        }
    }
}
