using System.Globalization;

namespace Ppsd.Host.Text.ByteLevel;

/// <summary>
/// A text in which every character beyond the Basic Multilingual Plane is replaced by one UTF-16 unit of the same
/// Unicode category. .NET's regular expressions see such characters as two surrogates and would match <c>\p{L}</c>
/// against neither; the tokenizers library matches whole characters.
/// </summary>
internal sealed class CategoryProjection
{
    // One rare character for each category that occurs beyond the BMP, far from any letter that patterns spell out.
    private static readonly Dictionary<UnicodeCategory, char> _standIns = new()
    {
        [UnicodeCategory.UppercaseLetter] = '\u0100',
        [UnicodeCategory.LowercaseLetter] = '\u0101',
        [UnicodeCategory.TitlecaseLetter] = '\u1F88',
        [UnicodeCategory.ModifierLetter] = '\u02E0',
        [UnicodeCategory.OtherLetter] = '\u05D0',
        [UnicodeCategory.NonSpacingMark] = '\u0591',
        [UnicodeCategory.SpacingCombiningMark] = '\u0903',
        [UnicodeCategory.EnclosingMark] = '\u20DD',
        [UnicodeCategory.DecimalDigitNumber] = '\u0660',
        [UnicodeCategory.LetterNumber] = '\u16EE',
        [UnicodeCategory.OtherNumber] = '\u2460',
        [UnicodeCategory.ConnectorPunctuation] = '\u203F',
        [UnicodeCategory.DashPunctuation] = '\u2010',
        [UnicodeCategory.OpenPunctuation] = '\u2045',
        [UnicodeCategory.ClosePunctuation] = '\u2046',
        [UnicodeCategory.OtherPunctuation] = '\u2020',
        [UnicodeCategory.MathSymbol] = '\u2200',
        [UnicodeCategory.CurrencySymbol] = '\u20A1',
        [UnicodeCategory.ModifierSymbol] = '\u02C2',
        [UnicodeCategory.OtherSymbol] = '\u2100',
        [UnicodeCategory.Format] = '\u200B',
        [UnicodeCategory.PrivateUse] = '\uE000',
    };

    private readonly int[]? _offsets; // [Text.Length + 1], offset in the original of each unit; null: the same

    private CategoryProjection(string text, int[]? offsets)
    {
        Text = text;
        _offsets = offsets;
    }

    /// <summary>The text to match against.</summary>
    public string Text { get; }

    /// <summary>Projects a text without lone surrogates; one without surrogates is its own projection.</summary>
    public static CategoryProjection Of(string text)
    {
        if (!text.AsSpan().ContainsAnyInRange('\uD800', '\uDFFF'))
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
                ? StandIn(CharUnicodeInfo.GetUnicodeCategory(text, i++))
                : text[i];
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

    // U+0378 is unassigned and will stay so.
    private static char StandIn(UnicodeCategory category) => _standIns.GetValueOrDefault(category, '\u0378');
}
