using System.Text;
using Ppsd.Host.Text.ChatTemplates.Values;
using Ppsd.Host.Text.Tokens;

namespace Ppsd.Host.Text.ChatTemplates.Syntax;

/// <summary>Cuts the inside of one <c>{{ }}</c> or <c>{% %}</c> into tokens.</summary>
/// <param name="close">What closes the tag: <c>}}</c> or <c>%}</c>.</param>
/// <param name="tokens">Receives the tokens.</param>
internal sealed class TagLexer(TemplateSource source, string close, List<TemplateToken> tokens)
{
    // The longest first, so that "//" is not two divisions.
    private static readonly string[] _operators =
    [
        "==",
        "!=",
        "<=",
        ">=",
        "//",
        "**",
        "+",
        "-",
        "*",
        "/",
        "%",
        "~",
        "<",
        ">",
        "=",
        ".",
        ":",
        "|",
        ",",
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
    ];

    private readonly string _text = source.Text;
    private readonly Stack<char> _open = []; // the closing brackets that are due

    /// <summary>
    /// Reads up to the tag's end and returns where that is, at the sign in front of it if it has one.
    /// </summary>
    /// <param name="tag">Where the tag begins, for messages.</param>
    /// <param name="position">Where its inside begins.</param>
    /// <exception cref="TextException">The tag is not closed, or contains an invalid token.</exception>
    public int Read(int tag, int position)
    {
        while (position < _text.Length)
        {
            if (PythonText.IsSpace(_text[position]))
            {
                position++;
            }
            else if (IsEnd(position))
            {
                return position;
            }
            else
            {
                position = ReadToken(position);
            }
        }

        throw source.Error(tag, $"the tag is not closed with '{close}'");
    }

    // Within brackets "}}" closes two maps rather than the tag.
    private bool IsEnd(int position) =>
        _open.Count == 0
        && (
            IsAt(position, close)
            || (_text[position] == '-' && IsAt(position + 1, close))
            || (_text[position] == '+' && close == "%}" && IsAt(position + 1, close))
        );

    private bool IsAt(int position, string text) => string.CompareOrdinal(_text, position, text, 0, text.Length) == 0;

    private int ReadToken(int position)
    {
        var c = _text[position];
        return c switch
        {
            '\'' or '"' => ReadString(position),
            _ when char.IsAsciiDigit(c) => ReadNumber(position),
            _ when c == '_' || char.IsLetter(c) => ReadName(position),
            _ => ReadOperator(position),
        };
    }

    private int ReadName(int start)
    {
        var end = start;
        while (end < _text.Length && (_text[end] == '_' || char.IsLetterOrDigit(_text[end])))
        {
            end++;
        }

        tokens.Add(new TemplateToken(TemplateTokenKind.Name, _text[start..end], start));
        return end;
    }

    private int ReadNumber(int start)
    {
        var end = SkipDigits(start);
        var kind = TemplateTokenKind.Integer;
        if (end + 1 < _text.Length && _text[end] == '.' && char.IsAsciiDigit(_text[end + 1]))
        {
            kind = TemplateTokenKind.Float;
            end = SkipDigits(end + 1);
        }

        if (end < _text.Length && _text[end] is 'e' or 'E')
        {
            var exponent = end + 1 + (end + 1 < _text.Length && _text[end + 1] is '+' or '-' ? 1 : 0);
            if (exponent < _text.Length && char.IsAsciiDigit(_text[exponent]))
            {
                kind = TemplateTokenKind.Float;
                end = SkipDigits(exponent);
            }
        }

        tokens.Add(new TemplateToken(kind, _text[start..end], start));
        return end;
    }

    private int SkipDigits(int position)
    {
        while (position < _text.Length && char.IsAsciiDigit(_text[position]))
        {
            position++;
        }

        return position;
    }

    private int ReadOperator(int start)
    {
        var text =
            Array.Find(_operators, candidate => IsAt(start, candidate))
            ?? throw source.Error(start, $"'{_text[start]}' is not an operator");
        if (text[0] is '(' or '[' or '{')
        {
            _open.Push(
                text[0] switch
                {
                    '(' => ')',
                    '[' => ']',
                    _ => '}',
                }
            );
        }
        else if (text[0] is ')' or ']' or '}' && (!_open.TryPop(out var due) || due != text[0]))
        {
            throw source.Error(start, $"'{text}' closes nothing");
        }

        tokens.Add(new TemplateToken(TemplateTokenKind.Operator, text, start));
        return start + text.Length;
    }

    private int ReadString(int start)
    {
        var value = new StringBuilder();
        var position = start + 1;
        while (position < _text.Length)
        {
            var c = _text[position];
            if (c == _text[start])
            {
                tokens.Add(new TemplateToken(TemplateTokenKind.String, value.ToString(), start));
                return position + 1;
            }

            if (c == '\\' && position + 1 < _text.Length)
            {
                position = StringEscape.Read(source, position, value);
            }
            else
            {
                value.Append(c);
                position++;
            }
        }

        throw source.Error(start, "the string is not closed");
    }
}
