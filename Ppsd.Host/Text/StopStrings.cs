namespace Ppsd.Host.Text;

/// <summary>
/// Finds stop strings in text that arrives in pieces, and holds back whatever may be the beginning of one. Knows
/// nothing of tokens. One instance serves one text; it is not safe for use from several threads at once.
/// </summary>
/// <remarks>
/// The text ends with the first character that completes a stop string, so the result does not depend on how the text
/// was cut into pieces. Of several completed by one character the longest counts, which begins first. Each stop string
/// is matched by Knuth, Morris and Pratt's automaton: the cost of a character does not grow with the text.
/// </remarks>
internal sealed class StopStrings
{
    private readonly string[] _stops;
    private readonly int[][] _fallbacks; // [stop][matched characters]: matched characters after a mismatch
    private readonly int[] _matched; // [stop]: how much of it the text so far ends with
    private char[] _text = new char[64]; // what is held back, then what was just added
    private int _heldStart;
    private int _held;

    /// <summary>Begins a text.</summary>
    /// <param name="stops">The stop strings, compared character by character; none may be empty.</param>
    /// <exception cref="ArgumentException">A stop string is empty.</exception>
    public StopStrings(IReadOnlyList<string> stops)
    {
        if (stops.Any(string.IsNullOrEmpty))
        {
            throw new ArgumentException(
                "A stop string must not be empty: every text would end at once.",
                nameof(stops)
            );
        }

        _stops = [.. stops];
        _fallbacks = [.. stops.Select(Fallbacks)];
        _matched = new int[stops.Count];
    }

    /// <summary>The stop string that ended the text, or null while it goes on.</summary>
    public string? Found { get; private set; }

    /// <summary>
    /// Adds text and returns what can be given out: up to the stop string if one is now complete (then
    /// <see cref="Found"/> is set), else up to what may be the beginning of one. Valid until the next call. After a
    /// stop string, text is ignored.
    /// </summary>
    public ReadOnlySpan<char> Append(ReadOnlySpan<char> text)
    {
        if (Found is not null)
        {
            return [];
        }

        Reserve(text.Length);
        var length = _held;
        foreach (var c in text)
        {
            _text[length++] = c;
            if (Advance(c) is { } found)
            {
                Found = found;
                _held = 0;
                return _text.AsSpan(0, length - found.Length);
            }
        }

        return GiveOut(length, _matched.Length == 0 ? 0 : _matched.Max());
    }

    /// <summary>Ends the text and returns what was held back. Valid until the next call.</summary>
    public ReadOnlySpan<char> Flush()
    {
        Reserve(0);
        Array.Clear(_matched);
        return GiveOut(_held, held: 0);
    }

    // Returned text stays valid until the next call, so the held text behind it moves to the front only then.
    private ReadOnlySpan<char> GiveOut(int length, int held)
    {
        _heldStart = length - held;
        _held = held;
        return _text.AsSpan(0, _heldStart);
    }

    // Moves the held text to the front and makes room behind it.
    private void Reserve(int more)
    {
        var held = _text.AsSpan(_heldStart, _held);
        if (_held + more > _text.Length)
        {
            var larger = new char[Math.Max(_held + more, 2 * _text.Length)];
            held.CopyTo(larger);
            _text = larger;
        }
        else
        {
            held.CopyTo(_text);
        }

        _heldStart = 0;
    }

    // The longest stop string that this character completes, or null.
    private string? Advance(char c)
    {
        string? found = null;
        for (var i = 0; i < _stops.Length; i++)
        {
            var stop = _stops[i];
            var matched = _matched[i];
            while (matched > 0 && stop[matched] != c)
            {
                matched = _fallbacks[i][matched];
            }

            matched += stop[matched] == c ? 1 : 0;
            _matched[i] = matched;
            if (matched == stop.Length && stop.Length > (found?.Length ?? 0))
            {
                found = stop;
            }
        }

        return found;
    }

    // For each count of matched characters, the longest shorter beginning of the stop string that they end with.
    private static int[] Fallbacks(string stop)
    {
        var fallbacks = new int[stop.Length];
        for (var matched = 2; matched < stop.Length; matched++)
        {
            var shorter = fallbacks[matched - 1];
            while (shorter > 0 && stop[shorter] != stop[matched - 1])
            {
                shorter = fallbacks[shorter];
            }

            fallbacks[matched] = shorter + (stop[shorter] == stop[matched - 1] ? 1 : 0);
        }

        return fallbacks;
    }
}
