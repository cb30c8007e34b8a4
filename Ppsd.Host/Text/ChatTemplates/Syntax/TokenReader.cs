using Ppsd.Host.Text.Tokens;

namespace Ppsd.Host.Text.ChatTemplates.Syntax;

/// <summary>Walks through a template's tokens; and reports a token that the parser did not expect.</summary>
internal sealed class TokenReader(TemplateSource source, List<TemplateToken> tokens)
{
    // The parsers call themselves for every bracket and block: a template must not be able to exhaust the stack.
    private const int MaxDepth = 100;

    private int _next;
    private int _depth;

    /// <summary>The token to be read next.</summary>
    public TemplateToken Current => tokens[_next];

    /// <summary>The token after it.</summary>
    public TemplateToken Following => tokens[Math.Min(_next + 1, tokens.Count - 1)];

    /// <summary>Number of tokens read.</summary>
    public int Position => _next;

    /// <summary>Whether a name has been read since a position.</summary>
    public bool HasRead(string name, int since) =>
        tokens.Skip(since).Take(_next - since).Any(token => token.IsName(name));

    /// <summary>Names that are not the template's own, as far as they have been read.</summary>
    public NameUses Uses { get; } = new();

    /// <summary>Whether a name stands anywhere but before the parentheses of a call.</summary>
    public bool IsNamedOutsideCalls(string name) =>
        tokens
            .Index()
            .Any(token =>
                token.Item.IsName(name)
                && (
                    !tokens[token.Index + 1].IsOperator("(")
                    || token.Index > 0 && tokens[token.Index - 1].IsName("macro")
                )
            );

    /// <summary>Reads a token.</summary>
    public TemplateToken Take() => tokens[_next < tokens.Count - 1 ? _next++ : _next];

    /// <summary>Reads the operator if it is next.</summary>
    public bool TryTakeOperator(string text)
    {
        if (!Current.IsOperator(text))
        {
            return false;
        }

        _next++;
        return true;
    }

    /// <summary>Reads the keyword if it is next.</summary>
    public bool TryTakeName(string text)
    {
        if (!Current.IsName(text))
        {
            return false;
        }

        _next++;
        return true;
    }

    /// <summary>Reads a token of the kind.</summary>
    /// <exception cref="TextException">Another one is next.</exception>
    public TemplateToken Expect(TemplateTokenKind kind, string what) =>
        Current.Kind == kind ? Take() : throw Error($"expected {what} but found {Current}");

    /// <summary>Reads the operator.</summary>
    /// <exception cref="TextException">Something else is next.</exception>
    public int ExpectOperator(string text)
    {
        var at = Current.At;
        return TryTakeOperator(text) ? at : throw Error($"expected '{text}' but found {Current}");
    }

    /// <summary>Reads the keyword.</summary>
    /// <exception cref="TextException">Something else is next.</exception>
    public void ExpectName(string text)
    {
        if (!TryTakeName(text))
        {
            throw Error($"expected '{text}' but found {Current}");
        }
    }

    /// <summary>Parses something nested, if it is not nested too deeply.</summary>
    /// <exception cref="TextException">It is.</exception>
    public T Nested<T>(Func<T> parse)
    {
        if (++_depth > MaxDepth)
        {
            throw Error($"brackets and blocks are nested more than {MaxDepth} deep");
        }

        var result = parse();
        _depth--;
        return result;
    }

    /// <summary>An error at the token to be read next.</summary>
    public TextException Error(string message) => Error(Current.At, message);

    /// <summary>An error at a position.</summary>
    public TextException Error(int at, string message) => source.Error(at, message);
}
