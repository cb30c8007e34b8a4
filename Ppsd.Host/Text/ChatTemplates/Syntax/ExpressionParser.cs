namespace Ppsd.Host.Text.ChatTemplates.Syntax;

/// <summary>
/// Parses expressions. From the loosest to the tightest: <c>if else</c>, <c>or</c>, <c>and</c>, <c>not</c>,
/// comparisons, <c>+ -</c>, <c>~</c>, <c>* / // %</c>, <c>**</c>, sign, and then the operands, which
/// <see cref="OperandParser"/> reads.
/// </summary>
internal sealed class ExpressionParser
{
    private static readonly string[] _comparisons = ["==", "!=", "<=", ">=", "<", ">"];

    private readonly TokenReader _tokens;
    private readonly OperandParser _operands;

    /// <summary>Creates the parser of a template's expressions.</summary>
    public ExpressionParser(TokenReader tokens)
    {
        _tokens = tokens;
        _operands = new OperandParser(tokens, ParseExpression);
    }

    /// <summary>Parses an expression; several with commas between them are a tuple.</summary>
    public Expression ParseTuple() => ParseTuple(ParseExpression);

    /// <summary>As <see cref="ParseTuple()"/>, but an <c>if</c> is left to the statement.</summary>
    public Expression ParseTupleBeforeIf() => ParseTuple(ParseOr);

    /// <summary>Parses one expression.</summary>
    public Expression ParseExpression() => _tokens.Nested(ParseConditional);

    /// <summary>
    /// Parses a filter and the ones behind it, the first of which applies to <paramref name="input"/>.
    /// </summary>
    public Expression ParseFilters(Expression input) => _operands.ParseFilters(input);

    /// <summary>Parses the filters of a filter block: the first goes without <c>|</c>.</summary>
    public Expression ParseFilterBlock(Expression input) => _operands.ParseFilters(_operands.ParseFilter(input));

    private Expression ParseTuple(Func<Expression> parseElement)
    {
        var first = parseElement();
        if (!_tokens.Current.IsOperator(","))
        {
            return first;
        }

        var elements = new List<Expression> { first };
        while (_tokens.TryTakeOperator(","))
        {
            if (_tokens.Current.Kind is TemplateTokenKind.PrintEnd or TemplateTokenKind.StatementEnd)
            {
                break;
            }

            elements.Add(parseElement());
        }

        return new Expression.Items(first.At, elements, IsTuple: true);
    }

    private Expression ParseConditional()
    {
        var value = ParseOr();
        while (_tokens.Current is var token && _tokens.TryTakeName("if"))
        {
            var condition = ParseOr();
            var otherwise = _tokens.TryTakeName("else") ? ParseExpression() : null;
            value = new Expression.Conditional(token.At, condition, value, otherwise);
        }

        return value;
    }

    private Expression ParseOr()
    {
        var left = ParseAnd();
        while (_tokens.Current is var token && _tokens.TryTakeName("or"))
        {
            left = new Expression.Logical(token.At, IsAnd: false, left, ParseAnd());
        }

        return left;
    }

    private Expression ParseAnd()
    {
        var left = ParseNot();
        while (_tokens.Current is var token && _tokens.TryTakeName("and"))
        {
            left = new Expression.Logical(token.At, IsAnd: true, left, ParseNot());
        }

        return left;
    }

    private Expression ParseNot() =>
        _tokens.Current is var token && _tokens.TryTakeName("not")
            ? new Expression.Not(token.At, _tokens.Nested(ParseNot))
            : ParseComparison();

    private Expression ParseComparison()
    {
        var first = ParseSum();
        var at = _tokens.Current.At;
        var others = new List<(string, Expression)>();
        while (TakeComparison() is { } comparison)
        {
            others.Add((comparison, ParseSum()));
        }

        return others.Count == 0 ? first : new Expression.Comparison(at, first, others);
    }

    private string? TakeComparison()
    {
        var token = _tokens.Current;
        if (token.Kind == TemplateTokenKind.Operator && _comparisons.Contains(token.Text))
        {
            return _tokens.Take().Text;
        }

        if (_tokens.TryTakeName("in"))
        {
            return "in";
        }

        if (token.IsName("not") && _tokens.Following.IsName("in"))
        {
            _tokens.Take();
            _tokens.Take();
            return "not in";
        }

        return null;
    }

    private Expression ParseSum() => ParseBinary(ParseConcatenation, "+", "-");

    private Expression ParseConcatenation() => ParseBinary(ParseProduct, "~");

    private Expression ParseProduct() => ParseBinary(ParsePower, "*", "/", "//", "%");

    private Expression ParsePower() => ParseBinary(() => _operands.ParseFiltersAndTests(ParseSigned()), "**");

    // Operators of one level group from the left.
    private Expression ParseBinary(Func<Expression> parseOperand, params ReadOnlySpan<string> operators)
    {
        var left = parseOperand();
        while (_tokens.Current is { Kind: TemplateTokenKind.Operator } token && operators.Contains(token.Text))
        {
            _tokens.Take();
            left = new Expression.Binary(token.At, token.Text, left, parseOperand());
        }

        return left;
    }

    // A filter applies to the signed value: -3 | abs is 3.
    private Expression ParseSigned()
    {
        var token = _tokens.Current;
        return _tokens.TryTakeOperator("-") || _tokens.TryTakeOperator("+")
            ? new Expression.Sign(token.At, _tokens.Nested(ParseSigned), token.Text == "-")
            : _operands.ParseOperand();
    }
}
