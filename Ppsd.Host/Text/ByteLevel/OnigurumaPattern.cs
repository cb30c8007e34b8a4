using System.Globalization;
using System.Text;

namespace Ppsd.Host.Text.ByteLevel;

/// <summary>
/// Rewrites a pattern of tokenizer.json for .NET. The tokenizers library matches it with Oniguruma, whose syntax .NET reads
/// otherwise in places: classes in classes and their intersections, POSIX brackets, scripts, characters by number, possessive
/// quantifiers. What .NET cannot say is refused.
/// </summary>
/// <remarks>
/// The result spells characters as they are or, up to U+FFFF, as <c>\uHHHH</c>: <see cref="PatternItem"/> knows no other way.
/// </remarks>
internal sealed class OnigurumaPattern
{
    // Anchors, kinds of characters and references that mean the same to both engines.
    private const string Shared = "AzZGbBdDsSk";

    private readonly PatternCursor _input;
    private readonly StringBuilder _result = new();
    private readonly Stack<int> _groups = new(); // where the open groups begin in the result
    private int _atom; // where in the result that begins which a quantifier repeats

    private OnigurumaPattern(string pattern) => _input = new PatternCursor(pattern);

    /// <summary>
    /// The pattern as .NET reads it, with <see cref="System.Text.RegularExpressions.RegexOptions.Multiline"/>: ^ and $ stand at
    /// the ends of lines.
    /// </summary>
    /// <exception cref="FormatException">Something cannot be read, or not be said in .NET: what, and what is supported.</exception>
    public static string ToNet(string pattern)
    {
        var translation = new OnigurumaPattern(pattern);
        while (!translation._input.IsAtEnd)
        {
            translation.TranslateNext();
        }

        return translation._result.ToString();
    }

    private void TranslateNext()
    {
        var start = _result.Length;
        switch (_input.Peek())
        {
            case '\\':
                TranslateEscape();
                break;
            case '[':
                _input.Take();
                _result.Append(new OnigurumaClass(_input).Read().Regex);
                break;
            case '(':
                TranslateGroupStart();
                return;
            case ')':
                _result.Append(_input.Take());
                _atom = _groups.TryPop(out var group) ? group : start;
                return;
            case '*' or '+' or '?':
                _result.Append(_input.Take());
                TranslateSuffix();
                return;
            case '{' when _input.TakeInterval() is var (least, most):
                TranslateInterval(least, most);
                return;
            default:
                _result.Append(_input.Take());
                if (char.IsLowSurrogate(_input.Peek()))
                {
                    _result.Append(_input.Take());
                }

                break;
        }

        _atom = start;
    }

    private void TranslateEscape()
    {
        if (_input.TryTakeEscapedCharacter(isInClass: false, out var character))
        {
            CharacterSets.AppendCharacter(_result, character);
        }
        else if (OnigurumaClass.TryReadEscape(_input, out var set))
        {
            _result.Append(set.Regex);
        }
        else
        {
            var letter = _input.Peek(1);
            if (char.IsAsciiLetter(letter) && !Shared.Contains(letter, StringComparison.Ordinal))
            {
                throw PatternCursor.Refusal($"\\{letter}", "escapes that .NET has too");
            }

            _result.Append(_input.Take());
            CharacterSets.AppendCharacter(_result, _input.TakeCharacter());
        }
    }

    // Comments are left out. m lets the dot match newlines, which is s in .NET.
    private void TranslateGroupStart()
    {
        if (_input.TryTake("(?#"))
        {
            _input.TakeUpTo(")");
            return;
        }

        _groups.Push(_result.Length);
        _result.Append(_input.Take());
        if (!_input.TryTake("?"))
        {
            return;
        }

        _result.Append('?');
        for (var isName = false; !_input.IsAtEnd; )
        {
            var unit = _input.Take();
            var isQuote = unit == '\'' && isName; // the second one ends a name
            isName |= unit is '<' or '\'';
            if (unit == 's' && !isName)
            {
                throw PatternCursor.Refusal("the option s", "m, which lets the dot match newlines");
            }

            _result.Append(unit == 'm' && !isName ? 's' : unit);
            if (unit == ')')
            {
                _groups.Pop();
            }

            if (isQuote || unit is ':' or '=' or '!' or '>' or ')')
            {
                return;
            }
        }
    }

    // ? makes the quantifier lazy and + makes it possessive.
    private void TranslateSuffix()
    {
        if (_input.TryTake("?"))
        {
            _result.Append('?');
        }
        else if (_input.TryTake("+"))
        {
            _result.Insert(_atom, "(?>").Append(')');
        }
    }

    // + behind an interval, and ? behind one of a single number, repeat what is before them: they are quantifiers themselves.
    private void TranslateInterval(string least, string? most)
    {
        _result.Append(
            CultureInfo.InvariantCulture,
            $"{{{(least.Length == 0 ? "0" : least)}{(most is null ? "" : $",{most}")}}}"
        );
        if (most is not null && _input.TryTake("?"))
        {
            _result.Append('?');
        }
        else if (_input.Peek() is '?' or '+')
        {
            _result.Insert(_atom, "(?:").Append(')').Append(_input.Take());
        }
    }
}
