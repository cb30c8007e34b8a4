using System.Buffers;

namespace Ppsd.Host.Text.Tokens;

/// <summary>
/// Cuts a text at the added tokens spelled in it: the leftmost match first and, where several begin at one place, the
/// longest. Knows nothing of how the text between them is encoded.
/// </summary>
internal sealed class AddedTokenSplitter
{
    private readonly Dictionary<char, AddedToken[]> _byFirstChar;
    private readonly SearchValues<string>? _spellings;

    /// <summary>Prepares the search. Of several entries with one spelling the first counts.</summary>
    public AddedTokenSplitter(IEnumerable<AddedToken> tokens)
    {
        var distinct = tokens.DistinctBy(token => token.Content).ToArray();
        _byFirstChar = distinct
            .GroupBy(token => token.Content[0])
            .ToDictionary(
                group => group.Key,
                group => group.OrderByDescending(token => token.Content.Length).ToArray()
            );
        _spellings =
            distinct.Length == 0
                ? null
                : SearchValues.Create([.. distinct.Select(token => token.Content)], StringComparison.Ordinal);
    }

    /// <summary>
    /// The segments of <paramref name="text"/> in order; together they cover it, less the white space that tokens
    /// strip.
    /// </summary>
    public List<TextSegment> Split(ReadOnlySpan<char> text)
    {
        var segments = new List<TextSegment>();
        var plainStart = 0;
        var position = 0;
        while (_spellings is not null && text[position..].IndexOfAny(_spellings) is var offset and >= 0)
        {
            var start = position + offset;
            var token = LongestAt(text[start..]);
            position = start + token.Content.Length;
            if (token.LeftStrip)
            {
                start = plainStart + text[plainStart..start].TrimEnd().Length;
            }

            if (token.RightStrip)
            {
                position = text.Length - text[position..].TrimStart().Length;
            }

            AddPlain(plainStart, start);
            segments.Add(new TextSegment(start, position - start, token.Id));
            plainStart = position;
        }

        AddPlain(plainStart, text.Length);
        return segments;

        void AddPlain(int from, int to)
        {
            if (to > from)
            {
                segments.Add(new TextSegment(from, to - from, null));
            }
        }
    }

    private AddedToken LongestAt(ReadOnlySpan<char> text)
    {
        foreach (var token in _byFirstChar[text[0]])
        {
            if (text.StartsWith(token.Content, StringComparison.Ordinal))
            {
                return token;
            }
        }

        throw new InvalidOperationException("The search found a spelling that no added token has.");
    }
}
