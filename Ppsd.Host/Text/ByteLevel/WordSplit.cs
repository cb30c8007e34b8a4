using System.Text.RegularExpressions;

namespace Ppsd.Host.Text.ByteLevel;

/// <summary>One step of cutting text into words: every word is cut at the matches of a regular expression.</summary>
/// <param name="KeepsMatches">Whether the matches are words.</param>
/// <param name="KeepsGaps">Whether what lies between them is.</param>
internal sealed record WordSplit(Regex Pattern, bool KeepsMatches, bool KeepsGaps)
{
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
            foreach (var match in Pattern.EnumerateMatches(text.Slice(word.Start, word.Length)))
            {
                if (result.Count % MatchesPerLook == 0)
                {
                    cancellation.ThrowIfCancellationRequested();
                }

                var start = word.Start + match.Index;
                Add(KeepsGaps, end, start);
                end = start + match.Length;
                Add(KeepsMatches, start, end);
            }

            Add(KeepsGaps, end, word.Start + word.Length);
        }

        void Add(bool kept, int start, int end)
        {
            if (kept && end > start)
            {
                result.Add(new WordRange(start, end - start));
            }
        }
    }
}
