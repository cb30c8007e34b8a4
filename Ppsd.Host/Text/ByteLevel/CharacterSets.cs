using System.Collections.Frozen;
using System.Globalization;
using System.Text;

namespace Ppsd.Host.Text.ByteLevel;

/// <summary>
/// Sets of characters that Oniguruma has names for and .NET has not: POSIX brackets in their Unicode meaning, and scripts.
/// Each is a text that stands between the brackets of a class. Ranges are those of Unicode 17.
/// </summary>
internal static class CharacterSets
{
    // Alphabetic characters that are neither letters nor numbers by their category.
    private const string OtherAlphabetic =
        "0345 0363-036F 05B0-05BD 05BF 05C1-05C2 05C4-05C5 05C7 0610-061A 064B-0657 0659-065F 0670 06D6-06DC"
        + " 06E1-06E4 06E7-06E8 06ED 0711 0730-073F 07A6-07B0 0816-0817 081B-0823 0825-0827 0829-082C 0897"
        + " 08D4-08DF 08E3-08E9 08F0-0903 093A-093B 093E-094C 094E-094F 0955-0957 0962-0963 0981-0983 09BE-09C4"
        + " 09C7-09C8 09CB-09CC 09D7 09E2-09E3 0A01-0A03 0A3E-0A42 0A47-0A48 0A4B-0A4C 0A51 0A70-0A71 0A75"
        + " 0A81-0A83 0ABE-0AC5 0AC7-0AC9 0ACB-0ACC 0AE2-0AE3 0AFA-0AFC 0B01-0B03 0B3E-0B44 0B47-0B48 0B4B-0B4C"
        + " 0B56-0B57 0B62-0B63 0B82 0BBE-0BC2 0BC6-0BC8 0BCA-0BCC 0BD7 0C00-0C04 0C3E-0C44 0C46-0C48 0C4A-0C4C"
        + " 0C55-0C56 0C62-0C63 0C81-0C83 0CBE-0CC4 0CC6-0CC8 0CCA-0CCC 0CD5-0CD6 0CE2-0CE3 0CF3 0D00-0D03"
        + " 0D3E-0D44 0D46-0D48 0D4A-0D4C 0D57 0D62-0D63 0D81-0D83 0DCF-0DD4 0DD6 0DD8-0DDF 0DF2-0DF3 0E31"
        + " 0E34-0E3A 0E4D 0EB1 0EB4-0EB9 0EBB-0EBC 0ECD 0F71-0F83 0F8D-0F97 0F99-0FBC 102B-1036 1038 103B-103E"
        + " 1056-1059 105E-1060 1062-1064 1067-106D 1071-1074 1082-108D 108F 109A-109D 1712-1713 1732-1733"
        + " 1752-1753 1772-1773 17B6-17C8 1885-1886 18A9 1920-192B 1930-1938 1A17-1A1B 1A55-1A5E 1A61-1A74"
        + " 1ABF-1AC0 1ACC-1ACE 1B00-1B04 1B35-1B43 1B80-1B82 1BA1-1BA9 1BAC-1BAD 1BE7-1BF1 1C24-1C36 1DD3-1DF4"
        + " 24B6-24E9 2DE0-2DFF A674-A67B A69E-A69F A802 A80B A823-A827 A880-A881 A8B4-A8C3 A8C5 A8FF A926-A92A"
        + " A947-A952 A980-A983 A9B4-A9BF A9E5 AA29-AA36 AA43 AA4C-AA4D AA7B-AA7D AAB0 AAB2-AAB4 AAB7-AAB8 AABE"
        + " AAEB-AAEF AAF5 ABE3-ABEA FB1E 10376-1037A 10A01-10A03 10A05-10A06 10A0C-10A0F 10D24-10D27 10D69"
        + " 10EAB-10EAC 10EFA-10EFC 11000-11002 11038-11045 11073-11074 11080-11082 110B0-110B8 110C2"
        + " 11100-11102 11127-11132 11145-11146 11180-11182 111B3-111BF 111CE-111CF 1122C-11234 11237 1123E"
        + " 11241 112DF-112E8 11300-11303 1133E-11344 11347-11348 1134B-1134C 11357 11362-11363 113B8-113C0"
        + " 113C2 113C5 113C7-113CA 113CC-113CD 11435-11441 11443-11445 114B0-114C1 115AF-115B5 115B8-115BE"
        + " 115DC-115DD 11630-1163E 11640 116AB-116B5 1171D-1172A 1182C-11838 11930-11935 11937-11938"
        + " 1193B-1193C 11940 11942 119D1-119D7 119DA-119DF 119E4 11A01-11A0A 11A35-11A39 11A3B-11A3E"
        + " 11A51-11A5B 11A8A-11A97 11B60-11B67 11C2F-11C36 11C38-11C3E 11C92-11CA7 11CA9-11CB6 11D31-11D36"
        + " 11D3A 11D3C-11D3D 11D3F-11D41 11D43 11D47 11D8A-11D8E 11D90-11D91 11D93-11D96 11EF3-11EF6"
        + " 11F00-11F01 11F03 11F34-11F3A 11F3E-11F40 1611E-1612E 16F4F 16F51-16F87 16F8F-16F92 16FF0-16FF1"
        + " 1BC9E 1E000-1E006 1E008-1E018 1E01B-1E021 1E023-1E024 1E026-1E02A 1E08F 1E6E3 1E6E6 1E6EE-1E6EF"
        + " 1E6F5 1E947 1F130-1F149 1F150-1F169 1F170-1F189";

    // Those that are not marks either.
    private const string AlphabeticSymbols = "24B6-24E9 1F130-1F149 1F150-1F169 1F170-1F189";

    private const string OtherLowercase =
        "00AA 00BA 02B0-02B8 02C0-02C1 02E0-02E4 0345 037A 10FC 1D2C-1D6A 1D78 1D9B-1DBF 2071 207F 2090-209C"
        + " 2170-217F 24D0-24E9 2C7C-2C7D A69C-A69D A770 A7F1-A7F4 A7F8-A7F9 AB5C-AB5F AB69 10780 10783-10785"
        + " 10787-107B0 107B2-107BA 1E030-1E06D";

    private const string OtherUppercase = "2160-216F 24B6-24CF 1F130-1F149 1F150-1F169 1F170-1F189";

    private static readonly FrozenDictionary<string, string> _posix = new Dictionary<string, string>
    {
        ["alnum"] = @"\p{L}\p{Nl}\p{Nd}" + Ranges(OtherAlphabetic),
        ["alpha"] = @"\p{L}\p{Nl}" + Ranges(OtherAlphabetic),
        ["ascii"] = Ranges("0000-007F"),
        ["blank"] = @"\p{Zs}" + Ranges("0009"),
        ["cntrl"] = @"\p{Cc}",
        ["digit"] = @"\p{Nd}",
        ["lower"] = @"\p{Ll}" + Ranges(OtherLowercase),
        ["space"] = @"\s",
        ["upper"] = @"\p{Lu}" + Ranges(OtherUppercase),
        ["word"] = @"\p{L}\p{Nl}\p{M}\p{Nd}\p{Pc}" + Ranges(AlphabeticSymbols),
        ["xdigit"] = Ranges("0030-0039 0041-0046 0061-0066"),
    }.ToFrozenDictionary();

    private static readonly FrozenDictionary<string, string> _scripts = new Dictionary<string, string>
    {
        ["arabic"] = Ranges(
            "0600-0604 0606-060B 060D-061A 061C-061E 0620-063F 0641-064A 0656-066F 0671-06DC 06DE-06FF 0750-077F"
                + " 0870-0891 0897-08E1 08E3-08FF FB50-FD3D FD40-FDCF FDF0-FDFF FE70-FE74 FE76-FEFC 10E60-10E7E"
                + " 10EC2-10EC7 10ED0-10ED8 10EFA-10EFF 1EE00-1EE03 1EE05-1EE1F 1EE21-1EE22 1EE24 1EE27 1EE29-1EE32"
                + " 1EE34-1EE37 1EE39 1EE3B 1EE42 1EE47 1EE49 1EE4B 1EE4D-1EE4F 1EE51-1EE52 1EE54 1EE57 1EE59 1EE5B"
                + " 1EE5D 1EE5F 1EE61-1EE62 1EE64 1EE67-1EE6A 1EE6C-1EE72 1EE74-1EE77 1EE79-1EE7C 1EE7E 1EE80-1EE89"
                + " 1EE8B-1EE9B 1EEA1-1EEA3 1EEA5-1EEA9 1EEAB-1EEBB 1EEF0-1EEF1"
        ),
        ["cyrillic"] = Ranges(
            "0400-0484 0487-052F 1C80-1C8A 1D2B 1D78 2DE0-2DFF A640-A69F FE2E-FE2F 1E030-1E06D 1E08F"
        ),
        ["devanagari"] = Ranges("0900-0950 0955-0963 0966-097F A8E0-A8FF 11B00-11B09"),
        ["greek"] = Ranges(
            "0370-0373 0375-0377 037A-037D 037F 0384 0386 0388-038A 038C 038E-03A1 03A3-03E1 03F0-03FF 1D26-1D2A"
                + " 1D5D-1D61 1D66-1D6A 1DBF 1F00-1F15 1F18-1F1D 1F20-1F45 1F48-1F4D 1F50-1F57 1F59 1F5B 1F5D 1F5F-1F7D"
                + " 1F80-1FB4 1FB6-1FC4 1FC6-1FD3 1FD6-1FDB 1FDD-1FEF 1FF2-1FF4 1FF6-1FFE 2126 AB65 10140-1018E 101A0"
                + " 1D200-1D245"
        ),
        ["han"] = Ranges(
            "2E80-2E99 2E9B-2EF3 2F00-2FD5 3005 3007 3021-3029 3038-303B 3400-4DBF 4E00-9FFF F900-FA6D FA70-FAD9"
                + " 16FE2-16FE3 16FF0-16FF6 20000-2A6DF 2A700-2B81D 2B820-2CEAD 2CEB0-2EBE0 2EBF0-2EE5D 2F800-2FA1D"
                + " 30000-3134A 31350-33479"
        ),
        ["hangul"] = Ranges(
            "1100-11FF 302E-302F 3131-318E 3200-321E 3260-327E A960-A97C AC00-D7A3 D7B0-D7C6 D7CB-D7FB FFA0-FFBE"
                + " FFC2-FFC7 FFCA-FFCF FFD2-FFD7 FFDA-FFDC"
        ),
        ["hebrew"] = Ranges("0591-05C7 05D0-05EA 05EF-05F4 FB1D-FB36 FB38-FB3C FB3E FB40-FB41 FB43-FB44 FB46-FB4F"),
        ["hiragana"] = Ranges("3041-3096 309D-309F 1B001-1B11F 1B132 1B150-1B152 1F200"),
        ["katakana"] = Ranges(
            "30A1-30FA 30FD-30FF 31F0-31FF 32D0-32FE 3300-3357 FF66-FF6F FF71-FF9D 1AFF0-1AFF3 1AFF5-1AFFB"
                + " 1AFFD-1AFFE 1B000 1B120-1B122 1B155 1B164-1B167"
        ),
        ["latin"] = Ranges(
            "0041-005A 0061-007A 00AA 00BA 00C0-00D6 00D8-00F6 00F8-02B8 02E0-02E4 1D00-1D25 1D2C-1D5C 1D62-1D65"
                + " 1D6B-1D77 1D79-1DBE 1E00-1EFF 2071 207F 2090-209C 212A-212B 2132 214E 2160-2188 2C60-2C7F A722-A787"
                + " A78B-A7DC A7F1-A7FF AB30-AB5A AB5C-AB64 AB66-AB69 FB00-FB06 FF21-FF3A FF41-FF5A 10780-10785"
                + " 10787-107B0 107B2-107BA 1DF00-1DF1E 1DF25-1DF2A"
        ),
        ["thai"] = Ranges("0E01-0E3A 0E40-0E5B"),
    }.ToFrozenDictionary();

    /// <summary>
    /// Names of POSIX brackets. <c>punct</c> is not one of them: versions of Oniguruma differ in whether it holds symbols.
    /// </summary>
    public static IEnumerable<string> PosixNames => _posix.Keys.Order(StringComparer.Ordinal);

    /// <summary>The set of a POSIX bracket; null for names that are not known.</summary>
    public static string? FindPosix(string name) => _posix.GetValueOrDefault(name);

    /// <summary>The set of a property by its name, in which case, spaces, - and _ do not count; null where .NET may know it.</summary>
    public static string? Find(string name)
    {
        var plain = string.Concat(name.Where(c => c is not (' ' or '-' or '_')).Select(char.ToLowerInvariant));
        return _scripts.GetValueOrDefault(plain)
            ?? _posix.GetValueOrDefault(
                plain switch
                {
                    "alphabetic" => "alpha",
                    "lowercase" => "lower",
                    "uppercase" => "upper",
                    "whitespace" => "space",
                    "asciihexdigit" => "xdigit",
                    _ => plain,
                }
            );
    }

    /// <summary>Spells a character so that it stands for itself within brackets and outside.</summary>
    public static void AppendCharacter(StringBuilder result, int character)
    {
        if (character < 0x80 && !char.IsAsciiLetterOrDigit((char)character))
        {
            result.Append(CultureInfo.InvariantCulture, $"\\u{character:X4}");
        }
        else if (character <= char.MaxValue)
        {
            result.Append((char)character);
        }
        else
        {
            result.Append(char.ConvertFromUtf32(character));
        }
    }

    /// <summary>Adds a range, or a character, to the items of a class.</summary>
    public static void AppendRange(StringBuilder items, int first, int last)
    {
        AppendCharacter(items, first);
        if (last > first)
        {
            items.Append('-');
            AppendCharacter(items, last);
        }
    }

    // "0041-005A 00AA" as items of a class.
    private static string Ranges(string numbers)
    {
        var items = new StringBuilder();
        foreach (var range in numbers.Split(' '))
        {
            var ends = range.Split('-').Select(end => Convert.ToInt32(end, 16)).ToArray();
            AppendRange(items, ends[0], ends[^1]);
        }

        return items.ToString();
    }
}
