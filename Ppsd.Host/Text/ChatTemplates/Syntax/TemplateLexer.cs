using System.Text.RegularExpressions;
using Ppsd.Host.Text.ChatTemplates.Values;
using Ppsd.Host.Text.Tokens;

namespace Ppsd.Host.Text.ChatTemplates.Syntax;

/// <summary>
/// Cuts a template into tokens and applies the rules for white space around tags, set as transformers sets them: the
/// line end after a statement or comment goes (<c>trim_blocks</c>), and so does the indentation before one that begins
/// its line (<c>lstrip_blocks</c>). <c>-</c> at a tag's edge removes all white space on that side, <c>+</c> keeps it.
/// </summary>
internal sealed partial class TemplateLexer
{
    private readonly TemplateSource _source;
    private readonly string _text;
    private readonly List<TemplateToken> _tokens = [];
    private int _position;
    private bool _atLineStart = true; // whether what the last tag took ended with a line end

    private TemplateLexer(TemplateSource source)
    {
        _source = source;
        _text = source.Text;
    }

    /// <summary>The tokens of a template, the last of kind End.</summary>
    /// <exception cref="TextException">A tag is not closed, or contains an invalid token.</exception>
    public static List<TemplateToken> Tokenize(TemplateSource source)
    {
        var lexer = new TemplateLexer(source);
        lexer.ReadAll();
        return lexer._tokens;
    }

    private void ReadAll()
    {
        while (FindTag() is var tag and >= 0)
        {
            var isPrint = _text[tag + 1] == '{';
            var sign = tag + 2 < _text.Length ? _text[tag + 2] : ' ';
            AddText(TextBefore(tag, sign, isPrint));
            _position = tag + 2 + (sign is '-' or '+' ? 1 : 0);
            if (_text[tag + 1] == '#')
            {
                SkipComment(tag);
            }
            else if (!isPrint && RawBegin.Match(_text, _position) is { Success: true } begin)
            {
                ReadRaw(tag, _position + begin.Length);
            }
            else
            {
                ReadTag(tag, isPrint);
            }

            _atLineStart = _text[_position - 1] == '\n';
        }

        AddText(_text[_position..]);
        _tokens.Add(new TemplateToken(TemplateTokenKind.End, "", _text.Length));
    }

    // The next "{{", "{%" or "{#", or -1.
    private int FindTag()
    {
        for (var i = _position; i + 1 < _text.Length; i++)
        {
            if (_text[i] == '{' && _text[i + 1] is '{' or '%' or '#')
            {
                return i;
            }
        }

        return -1;
    }

    private string TextBefore(int tag, char sign, bool isPrint)
    {
        var text = _text[_position..tag];
        if (sign == '-')
        {
            return PythonText.TrimEnd(text);
        }

        if (sign == '+' || isPrint)
        {
            return text;
        }

        var lineStart = text.LastIndexOf('\n') + 1;
        var beginsLine = lineStart > 0 || _atLineStart;
        return beginsLine && PythonText.TrimEnd(text[lineStart..]).Length == 0 ? text[..lineStart] : text;
    }

    private void AddText(string text)
    {
        if (text.Length > 0)
        {
            _tokens.Add(new TemplateToken(TemplateTokenKind.Text, text, _position));
        }
    }

    private void SkipComment(int tag)
    {
        var end = _text.IndexOf("#}", _position, StringComparison.Ordinal);
        if (end < 0)
        {
            throw _source.Error(tag, "the comment is not closed");
        }

        var sign = end > _position ? _text[end - 1] : ' ';
        _position = end + 2;
        SkipWhiteSpaceAfter(sign, trimsLineEnd: true);
    }

    // Up to "endraw" everything is text. The line end behind "raw" stays, unlike that behind any other statement.
    private void ReadRaw(int tag, int start)
    {
        var end = RawEnd.Match(_text, start);
        if (!end.Success)
        {
            throw _source.Error(tag, "'raw' is not closed with 'endraw'");
        }

        (_position, _atLineStart) = (start, _text[start - 1] == '\n');
        AddText(TextBefore(end.Index, _text[end.Index + 2], isPrint: false));
        var sign = end.Groups["sign"].ValueSpan is [var given] ? given : ' ';
        _position = end.Index + end.Length;
        SkipWhiteSpaceAfter(sign, trimsLineEnd: true);
    }

    private void ReadTag(int tag, bool isPrint)
    {
        var (begin, end, close) = isPrint
            ? (TemplateTokenKind.PrintBegin, TemplateTokenKind.PrintEnd, "}}")
            : (TemplateTokenKind.StatementBegin, TemplateTokenKind.StatementEnd, "%}");
        _tokens.Add(new TemplateToken(begin, _text.Substring(tag, 2), tag));
        _position = new TagLexer(_source, close, _tokens).Read(tag, _position);
        var sign = _text[_position];
        _position += sign is '-' or '+' ? 1 : 0;
        _tokens.Add(new TemplateToken(end, close, _position));
        _position += 2;
        SkipWhiteSpaceAfter(sign, trimsLineEnd: !isPrint);
    }

    [GeneratedRegex(@"\G\s*raw\s*(?:-%}\s*|%})")]
    private static partial Regex RawBegin { get; }

    [GeneratedRegex(@"{%[-+]?\s*endraw\s*(?<sign>[-+]?)%}")]
    private static partial Regex RawEnd { get; }

    private void SkipWhiteSpaceAfter(char sign, bool trimsLineEnd)
    {
        if (sign == '-')
        {
            while (_position < _text.Length && PythonText.IsSpace(_text[_position]))
            {
                _position++;
            }
        }
        else if (sign != '+' && trimsLineEnd && _position < _text.Length && _text[_position] == '\n')
        {
            _position++;
        }
    }
}
