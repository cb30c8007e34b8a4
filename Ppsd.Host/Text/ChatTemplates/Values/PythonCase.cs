using System.Collections.Frozen;
using System.Globalization;
using System.Text;

namespace Ppsd.Host.Text.ChatTemplates.Values;

/// <summary>
/// Python's upper, lower, title and capitalize: the full case mappings of Unicode, where one character may become three
/// and a sigma at a word's end has a form of its own. .NET maps one character to one.
/// </summary>
/// <remarks>Data: SpecialCasing.txt and DerivedCoreProperties.txt of the Unicode Character Database.</remarks>
internal static class PythonCase
{
    // Each entry: a character and its upper case.
    private const string UpperCases =
        "\u00DFSS \u0131I \u0149\u02BCN \u017FS \u01F0J\u030C \u0390\u0399\u0308\u0301 "
        + "\u03B0\u03A5\u0308\u0301 \u0587\u0535\u0552 \u1E96H\u0331 \u1E97T\u0308 \u1E98W\u030A \u1E99Y\u030A "
        + "\u1E9AA\u02BE \u1F50\u03A5\u0313 \u1F52\u03A5\u0313\u0300 \u1F54\u03A5\u0313\u0301 "
        + "\u1F56\u03A5\u0313\u0342 \u1F80\u1F08\u0399 \u1F81\u1F09\u0399 \u1F82\u1F0A\u0399 "
        + "\u1F83\u1F0B\u0399 \u1F84\u1F0C\u0399 \u1F85\u1F0D\u0399 \u1F86\u1F0E\u0399 \u1F87\u1F0F\u0399 "
        + "\u1F88\u1F08\u0399 \u1F89\u1F09\u0399 \u1F8A\u1F0A\u0399 \u1F8B\u1F0B\u0399 \u1F8C\u1F0C\u0399 "
        + "\u1F8D\u1F0D\u0399 \u1F8E\u1F0E\u0399 \u1F8F\u1F0F\u0399 \u1F90\u1F28\u0399 \u1F91\u1F29\u0399 "
        + "\u1F92\u1F2A\u0399 \u1F93\u1F2B\u0399 \u1F94\u1F2C\u0399 \u1F95\u1F2D\u0399 \u1F96\u1F2E\u0399 "
        + "\u1F97\u1F2F\u0399 \u1F98\u1F28\u0399 \u1F99\u1F29\u0399 \u1F9A\u1F2A\u0399 \u1F9B\u1F2B\u0399 "
        + "\u1F9C\u1F2C\u0399 \u1F9D\u1F2D\u0399 \u1F9E\u1F2E\u0399 \u1F9F\u1F2F\u0399 \u1FA0\u1F68\u0399 "
        + "\u1FA1\u1F69\u0399 \u1FA2\u1F6A\u0399 \u1FA3\u1F6B\u0399 \u1FA4\u1F6C\u0399 \u1FA5\u1F6D\u0399 "
        + "\u1FA6\u1F6E\u0399 \u1FA7\u1F6F\u0399 \u1FA8\u1F68\u0399 \u1FA9\u1F69\u0399 \u1FAA\u1F6A\u0399 "
        + "\u1FAB\u1F6B\u0399 \u1FAC\u1F6C\u0399 \u1FAD\u1F6D\u0399 \u1FAE\u1F6E\u0399 \u1FAF\u1F6F\u0399 "
        + "\u1FB2\u1FBA\u0399 \u1FB3\u0391\u0399 \u1FB4\u0386\u0399 \u1FB6\u0391\u0342 "
        + "\u1FB7\u0391\u0342\u0399 \u1FBC\u0391\u0399 \u1FC2\u1FCA\u0399 \u1FC3\u0397\u0399 "
        + "\u1FC4\u0389\u0399 \u1FC6\u0397\u0342 \u1FC7\u0397\u0342\u0399 \u1FCC\u0397\u0399 "
        + "\u1FD2\u0399\u0308\u0300 \u1FD3\u0399\u0308\u0301 \u1FD6\u0399\u0342 \u1FD7\u0399\u0308\u0342 "
        + "\u1FE2\u03A5\u0308\u0300 \u1FE3\u03A5\u0308\u0301 \u1FE4\u03A1\u0313 \u1FE6\u03A5\u0342 "
        + "\u1FE7\u03A5\u0308\u0342 \u1FF2\u1FFA\u0399 \u1FF3\u03A9\u0399 \u1FF4\u038F\u0399 "
        + "\u1FF6\u03A9\u0342 \u1FF7\u03A9\u0342\u0399 \u1FFC\u03A9\u0399 \uFB00FF \uFB01FI \uFB02FL \uFB03FFI "
        + "\uFB04FFL \uFB05ST \uFB06ST \uFB13\u0544\u0546 \uFB14\u0544\u0535 \uFB15\u0544\u053B "
        + "\uFB16\u054E\u0546 \uFB17\u0544\u053D";

    // As above, the title case where it is not the upper case.
    private const string TitleCases =
        "\u00DFSs \u01C4\u01C5 \u01C5\u01C5 \u01C6\u01C5 \u01C7\u01C8 \u01C8\u01C8 \u01C9\u01C8 \u01CA\u01CB "
        + "\u01CB\u01CB \u01CC\u01CB \u01F1\u01F2 \u01F2\u01F2 \u01F3\u01F2 \u0587\u0535\u0582 \u1F80\u1F88 "
        + "\u1F81\u1F89 \u1F82\u1F8A \u1F83\u1F8B \u1F84\u1F8C \u1F85\u1F8D \u1F86\u1F8E \u1F87\u1F8F "
        + "\u1F88\u1F88 \u1F89\u1F89 \u1F8A\u1F8A \u1F8B\u1F8B \u1F8C\u1F8C \u1F8D\u1F8D \u1F8E\u1F8E "
        + "\u1F8F\u1F8F \u1F90\u1F98 \u1F91\u1F99 \u1F92\u1F9A \u1F93\u1F9B \u1F94\u1F9C \u1F95\u1F9D "
        + "\u1F96\u1F9E \u1F97\u1F9F \u1F98\u1F98 \u1F99\u1F99 \u1F9A\u1F9A \u1F9B\u1F9B \u1F9C\u1F9C "
        + "\u1F9D\u1F9D \u1F9E\u1F9E \u1F9F\u1F9F \u1FA0\u1FA8 \u1FA1\u1FA9 \u1FA2\u1FAA \u1FA3\u1FAB "
        + "\u1FA4\u1FAC \u1FA5\u1FAD \u1FA6\u1FAE \u1FA7\u1FAF \u1FA8\u1FA8 \u1FA9\u1FA9 \u1FAA\u1FAA "
        + "\u1FAB\u1FAB \u1FAC\u1FAC \u1FAD\u1FAD \u1FAE\u1FAE \u1FAF\u1FAF \u1FB2\u1FBA\u0345 \u1FB3\u1FBC "
        + "\u1FB4\u0386\u0345 \u1FB7\u0391\u0342\u0345 \u1FBC\u1FBC \u1FC2\u1FCA\u0345 \u1FC3\u1FCC "
        + "\u1FC4\u0389\u0345 \u1FC7\u0397\u0342\u0345 \u1FCC\u1FCC \u1FF2\u1FFA\u0345 \u1FF3\u1FFC "
        + "\u1FF4\u038F\u0345 \u1FF7\u03A9\u0342\u0345 \u1FFC\u1FFC \uFB00Ff \uFB01Fi \uFB02Fl \uFB03Ffi "
        + "\uFB04Ffl \uFB05St \uFB06St \uFB13\u0544\u0576 \uFB14\u0544\u0565 \uFB15\u0544\u056B "
        + "\uFB16\u054E\u0576 \uFB17\u0544\u056D";

    // First and last of each range: characters with a case that are neither upper, lower nor title case letters.
    private const string FurtherCased =
        "\u00AA\u00AA\u00BA\u00BA\u02B0\u02B8\u02C0\u02C1\u02E0\u02E4\u0345\u0345\u037A\u037A\u1D2C\u1D6A"
        + "\u1D78\u1D78\u1D9B\u1DBF\u2071\u2071\u207F\u207F\u2090\u209C\u2160\u217F\u24B6\u24E9\u2C7C\u2C7D"
        + "\uA69C\uA69D\uA770\uA770\uA7F8\uA7F9\uAB5C\uAB5F\U00010780\U00010780\U00010783\U00010785"
        + "\U00010787\U000107B0\U000107B2\U000107BA\U0001F130\U0001F149\U0001F150\U0001F169\U0001F170\U0001F189";

    // Punctuation within words; marks, modifiers and format characters are passed over too.
    private const string FurtherIgnorable =
        "'.:\u00B7\u0387\u055F\u05F4\u2018\u2019\u2024\u2027\uFE13\uFE52\uFE55\uFF07\uFF0E\uFF1A";

    private const int CapitalDottedI = 0x130;
    private const int CapitalSigma = 0x3A3;

    private static readonly FrozenDictionary<int, string> _upper = Read(UpperCases);
    private static readonly FrozenDictionary<int, string> _title = Read(TitleCases);
    private static readonly int[] _furtherCased = [.. FurtherCased.EnumerateRunes().Select(rune => rune.Value)];

    /// <summary>str.upper()</summary>
    public static string Upper(string text)
    {
        var result = new StringBuilder(text.Length);
        foreach (var rune in text.EnumerateRunes())
        {
            AppendUpper(rune, result);
        }

        return result.ToString();
    }

    /// <summary>str.lower()</summary>
    public static string Lower(string text)
    {
        Rune[] runes = [.. text.EnumerateRunes()];
        var result = new StringBuilder(text.Length);
        for (var i = 0; i < runes.Length; i++)
        {
            AppendLower(runes, i, result);
        }

        return result.ToString();
    }

    /// <summary>str.title(): a character with a case is in title case unless one with a case is before it.</summary>
    public static string Title(string text)
    {
        Rune[] runes = [.. text.EnumerateRunes()];
        var result = new StringBuilder(text.Length);
        for (var i = 0; i < runes.Length; i++)
        {
            if (i > 0 && IsCased(runes[i - 1]))
            {
                AppendLower(runes, i, result);
            }
            else
            {
                AppendTitle(runes[i], result);
            }
        }

        return result.ToString();
    }

    /// <summary>str.capitalize(): the first character in title case, the others in lower case.</summary>
    public static string Capitalize(string text)
    {
        Rune[] runes = [.. text.EnumerateRunes()];
        var result = new StringBuilder(text.Length);
        for (var i = 0; i < runes.Length; i++)
        {
            if (i == 0)
            {
                AppendTitle(runes[i], result);
            }
            else
            {
                AppendLower(runes, i, result);
            }
        }

        return result.ToString();
    }

    /// <summary>str.isupper() or str.islower(): there are characters with a case, and all of them are of this one.</summary>
    public static bool IsAll(string text, bool upper)
    {
        var found = false;
        foreach (var rune in text.EnumerateRunes())
        {
            var category = Rune.GetUnicodeCategory(rune);
            var isUpper =
                category == UnicodeCategory.UppercaseLetter || (IsCased(rune) && Rune.ToLowerInvariant(rune) != rune);
            if (category == UnicodeCategory.TitlecaseLetter || (IsCased(rune) && isUpper != upper))
            {
                return false;
            }

            found |= IsCased(rune);
        }

        return found;
    }

    private static void AppendUpper(Rune rune, StringBuilder result) =>
        result.Append(
            _upper.TryGetValue(rune.Value, out var several) ? several : Rune.ToUpperInvariant(rune).ToString()
        );

    // The Georgian letters have capitals, but no word begins with one.
    private static void AppendTitle(Rune rune, StringBuilder result)
    {
        if (_title.TryGetValue(rune.Value, out var title))
        {
            result.Append(title);
        }
        else if (rune.Value is >= 0x10D0 and <= 0x10FF)
        {
            result.Append(rune.ToString());
        }
        else
        {
            AppendUpper(rune, result);
        }
    }

    private static void AppendLower(Rune[] runes, int place, StringBuilder result) =>
        result.Append(
            runes[place].Value switch
            {
                CapitalDottedI => "i\u0307",
                CapitalSigma => EndsWord(runes, place) ? "\u03C2" : "\u03C3",
                _ => Rune.ToLowerInvariant(runes[place]).ToString(),
            }
        );

    private static bool EndsWord(Rune[] runes, int place)
    {
        var before = place - 1;
        while (before >= 0 && IsIgnorable(runes[before]))
        {
            before--;
        }

        var after = place + 1;
        while (after < runes.Length && IsIgnorable(runes[after]))
        {
            after++;
        }

        return before >= 0 && IsCased(runes[before]) && (after == runes.Length || !IsCased(runes[after]));
    }

    private static bool IsCased(Rune rune)
    {
        if (
            Rune.GetUnicodeCategory(rune)
            is UnicodeCategory.UppercaseLetter
                or UnicodeCategory.LowercaseLetter
                or UnicodeCategory.TitlecaseLetter
        )
        {
            return true;
        }

        for (var i = 0; i < _furtherCased.Length; i += 2)
        {
            if (rune.Value >= _furtherCased[i] && rune.Value <= _furtherCased[i + 1])
            {
                return true;
            }
        }

        return false;
    }

    private static bool IsIgnorable(Rune rune) =>
        Rune.GetUnicodeCategory(rune)
            is UnicodeCategory.NonSpacingMark
                or UnicodeCategory.EnclosingMark
                or UnicodeCategory.Format
                or UnicodeCategory.ModifierLetter
                or UnicodeCategory.ModifierSymbol
        || (rune.IsBmp && FurtherIgnorable.Contains((char)rune.Value));

    private static FrozenDictionary<int, string> Read(string table) =>
        table.Split(' ').ToFrozenDictionary(entry => (int)entry[0], entry => entry[1..]);
}
