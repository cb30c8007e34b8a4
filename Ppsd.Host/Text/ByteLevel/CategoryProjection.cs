namespace Ppsd.Host.Text.ByteLevel;

/// <summary>
/// A text in which every character beyond the Basic Multilingual Plane is replaced by the unit that stands in for it, so
/// that .NET's regular expressions match whole characters as the tokenizers library does. Units that stand in for others are
/// replaced where the text has them itself.
/// </summary>
internal sealed class CategoryProjection
{
    private readonly int[]? _offsets; // [Text.Length + 1], offset in the original of each unit; null: the same

    private CategoryProjection(string text, int[]? offsets)
    {
        Text = text;
        _offsets = offsets;
    }

    /// <summary>The text to match against.</summary>
    public string Text { get; }

    /// <summary>Projects a text without lone surrogates; most texts without surrogates are their own projections.</summary>
    public static CategoryProjection Of(string text, StandIns standIns)
    {
        if (!text.AsSpan().ContainsAnyInRange('\uD800', '\uDFFF') && !standIns.AreIn(text))
        {
            return new CategoryProjection(text, null);
        }

        var units = new char[text.Length];
        var offsets = new int[text.Length + 1];
        var count = 0;
        for (var i = 0; i < text.Length; i++)
        {
            offsets[count] = i;
            units[count++] = char.IsSurrogate(text[i])
                ? standIns.Of(char.ConvertToUtf32(text[i], text[++i]))
                : standIns.OfUnit(text[i]);
        }

        offsets[count] = text.Length;
        return new CategoryProjection(new string(units, 0, count), offsets);
    }

    /// <summary>Turns ranges of <see cref="Text"/> into ranges of the original, in place.</summary>
    public List<WordRange> BackToOriginal(List<WordRange> words)
    {
        if (_offsets is not null)
        {
            for (var i = 0; i < words.Count; i++)
            {
                var start = _offsets[words[i].Start];
                words[i] = new WordRange(start, _offsets[words[i].Start + words[i].Length] - start);
            }
        }

        return words;
    }
}
