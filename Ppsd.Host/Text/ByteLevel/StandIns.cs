using System.Buffers;
using System.Globalization;
using System.Text;

namespace Ppsd.Host.Text.ByteLevel;

/// <summary>
/// The characters that stand in for those beyond the Basic Multilingual Plane while some patterns are matched. .NET's
/// regular expressions work on UTF-16 units: <c>\p{L}</c> matches neither half of such a character, and a pattern cannot
/// name one in a class. Each of them is replaced, in the text, by one unit that the patterns treat as they treat the
/// character: of the same category, and in the same of their ranges. Where a text holds such a unit itself, another one of
/// its category that is in no range stands in for it. Immutable.
/// </summary>
internal sealed class StandIns
{
    // Patterns are matched by category, so one character for each will do; far from what patterns usually spell out.
    private const string Preferred =
        "\u0100\u0101\u1F88\u02E0\u05D0\u0591\u0903\u20DD\u0660\u16EE\u2460\u203F\u2010\u2045\u2046\u2020\u2200\u20A1"
        + "\u02C2\u2100\u200B\uE000\u0378";

    private readonly bool[] _named = new bool[0x10000]; // units that a pattern spells out, alone or in a range
    private readonly List<(int First, int Last)> _ranges = []; // characters beyond the plane that a pattern names
    private readonly Dictionary<(UnicodeCategory Category, string Ranges), char> _units = [];
    private readonly HashSet<char> _taken = [];
    private readonly SearchValues<char> _inRanges; // units that stand in for characters of a range

    /// <summary>Finds what some patterns name and chooses the stand-ins.</summary>
    public StandIns(IEnumerable<string> patterns)
    {
        foreach (var pattern in patterns)
        {
            foreach (var item in PatternItem.Of(pattern))
            {
                Note(item);
            }
        }

        // Every kind of character in a range needs its stand-in before the patterns are rewritten.
        foreach (var (first, last) in _ranges)
        {
            for (var character = first; character <= last; character++)
            {
                UnitFor(character);
            }
        }

        var outside = OutsideRanges;
        _inRanges = SearchValues.Create([
            .. _units.Where(pair => pair.Key.Ranges != outside).Select(pair => pair.Value).Where(_taken.Contains),
        ]);
    }

    private string OutsideRanges => new('0', _ranges.Count);

    /// <summary>Whether a text holds units that would be taken for characters beyond the plane.</summary>
    public bool AreIn(ReadOnlySpan<char> text) => text.ContainsAny(_inRanges);

    /// <summary>The unit that a unit of the text itself is matched as.</summary>
    public char OfUnit(char unit)
    {
        if (!_inRanges.Contains(unit))
        {
            return unit;
        }

        lock (_units)
        {
            return UnitFor(CharUnicodeInfo.GetUnicodeCategory(unit), OutsideRanges);
        }
    }

    /// <summary>The unit that stands in for a character beyond the plane.</summary>
    public char Of(int character)
    {
        lock (_units)
        {
            return UnitFor(character);
        }
    }

    /// <summary>A pattern that matches a text with stand-ins where the given one matches the text itself.</summary>
    public string Rewrite(string pattern)
    {
        var result = new StringBuilder(pattern.Length);
        foreach (var item in PatternItem.Of(pattern))
        {
            if (item.Last <= char.MaxValue)
            {
                result.Append(item.Text);
                continue;
            }

            // The part of a range within the plane stays a range.
            var units = new StringBuilder();
            if (item.First <= char.MaxValue)
            {
                CharacterSets.AppendRange(units, item.First, char.MaxValue);
            }

            units.Append(UnitsOf(Math.Max(item.First, 0x10000), item.Last));
            result.Append(item.IsInClass ? units : units.Insert(0, '[').Append(']'));
        }

        return result.ToString();
    }

    private void Note(PatternItem item)
    {
        for (var unit = Math.Max(item.First, 0); unit <= Math.Min(item.Last, char.MaxValue); unit++)
        {
            _named[unit] = true;
        }

        if (item.Last > char.MaxValue)
        {
            _ranges.Add((Math.Max(item.First, 0x10000), item.Last));
        }
    }

    private string UnitsOf(int first, int last)
    {
        var units = new HashSet<char>();
        for (var character = first; character <= last; character++)
        {
            units.Add(UnitFor(character));
        }

        return string.Concat(units.Order());
    }

    private char UnitFor(int character)
    {
        var category = CharUnicodeInfo.GetUnicodeCategory(character);
        var ranges =
            _ranges.Count == 0
                ? ""
                : string.Concat(
                    _ranges.Select(range => character >= range.First && character <= range.Last ? '1' : '0')
                );
        return UnitFor(category, ranges);
    }

    private char UnitFor(UnicodeCategory category, string ranges)
    {
        if (!_units.TryGetValue((category, ranges), out var unit))
        {
            unit = Choose(category);
            _units.Add((category, ranges), unit);
        }

        return unit;
    }

    // A category whose every character is spelled out or taken keeps its usual one: there is nothing to tell them apart by.
    private char Choose(UnicodeCategory category)
    {
        var all = Preferred.Concat(Enumerable.Range(0x80, 0xFF80).Select(unit => (char)unit));
        foreach (var unit in all)
        {
            if (CharUnicodeInfo.GetUnicodeCategory(unit) == category && !_named[unit] && _taken.Add(unit))
            {
                return unit;
            }
        }

        return Preferred.First(unit => CharUnicodeInfo.GetUnicodeCategory(unit) == category || unit == Preferred[^1]);
    }
}
