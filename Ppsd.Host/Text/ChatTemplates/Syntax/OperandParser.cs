using System.Globalization;

namespace Ppsd.Host.Text.ChatTemplates.Syntax;

/// <summary>
/// Parses what operators stand between: literals, variables, brackets, and what follows them (<c>.name</c>,
/// <c>[index]</c>, <c>(arguments)</c>, filters and tests).
/// </summary>
/// <param name="parseExpression">Parses an expression within brackets.</param>
internal sealed class OperandParser(TokenReader tokens, Func<Expression> parseExpression)
{
    /// <summary>Parses a literal, a variable or something in brackets, with the accesses and calls behind it.</summary>
    public Expression ParseOperand()
    {
        var value = ParsePrimary();
        while (true)
        {
            var at = tokens.Current.At;
            if (tokens.TryTakeOperator("."))
            {
                value = ParseAttribute(value, at);
            }
            else if (tokens.TryTakeOperator("["))
            {
                value = ParseSubscript(value, at);
            }
            else if (tokens.Current.IsOperator("("))
            {
                if (value is Expression.Variable function)
                {
                    tokens.Uses.Functions.Add((function.At, function.Name));
                }

                value = new Expression.Call(at, value, ParseArguments());
            }
            else
            {
                return value;
            }
        }
    }

    /// <summary>Parses the filters and tests behind a value.</summary>
    public Expression ParseFiltersAndTests(Expression value)
    {
        while (true)
        {
            var at = tokens.Current.At;
            if (tokens.Current.IsOperator("|"))
            {
                value = ParseFilters(value);
            }
            else if (tokens.TryTakeName("is"))
            {
                value = ParseTest(value, at);
            }
            else
            {
                return value;
            }
        }
    }

    /// <summary>Parses <c>| filter | filter</c>.</summary>
    public Expression ParseFilters(Expression value)
    {
        while (tokens.TryTakeOperator("|"))
        {
            value = ParseFilter(value);
        }

        return value;
    }

    /// <summary>Parses one filter without the <c>|</c> before it.</summary>
    public Expression ParseFilter(Expression value)
    {
        var name = tokens.Expect(TemplateTokenKind.Name, "a filter's name");
        tokens.Uses.Filters.Add((name.At, name.Text));
        var arguments = ParseOptionalArguments();
        NoteNamed(name.Text, arguments.Positional);
        return new Expression.Filter(name.At, value, name.Text, arguments);
    }

    /// <summary>Filters and tests that a filter is given by name.</summary>
    private void NoteNamed(string filter, IReadOnlyList<Expression> arguments)
    {
        var (uses, place) = filter switch
        {
            "map" => (tokens.Uses.Filters, 0),
            "select" or "reject" => (tokens.Uses.Tests, 0),
            "selectattr" or "rejectattr" => (tokens.Uses.Tests, 1),
            _ => ([], int.MaxValue),
        };
        if (place < arguments.Count && arguments[place] is Expression.Literal { Value: string named, At: var at })
        {
            uses.Add((at, named));
        }
    }

    private Expression ParsePrimary()
    {
        var token = tokens.Take();
        return token.Kind switch
        {
            TemplateTokenKind.Name => ParseName(token),
            TemplateTokenKind.String => ParseString(token),
            TemplateTokenKind.Integer => new Expression.Literal(token.At, ParseInteger(token)),
            TemplateTokenKind.Float => new Expression.Literal(
                token.At,
                double.Parse(token.Text, CultureInfo.InvariantCulture)
            ),
            TemplateTokenKind.Operator when token.Text == "(" => ParseParentheses(token.At),
            TemplateTokenKind.Operator when token.Text == "[" => new Expression.Items(token.At, ParseItems("]"), false),
            TemplateTokenKind.Operator when token.Text == "{" => ParseMap(token.At),
            _ => throw tokens.Error(token.At, $"expected a value but found {token}"),
        };
    }

    private static Expression ParseName(TemplateToken token) =>
        token.Text switch
        {
            "true" or "True" => new Expression.Literal(token.At, true),
            "false" or "False" => new Expression.Literal(token.At, false),
            "none" or "None" => new Expression.Literal(token.At, null),
            _ => new Expression.Variable(token.At, token.Text),
        };

    // Strings side by side are one string.
    private Expression.Literal ParseString(TemplateToken first)
    {
        var text = first.Text;
        while (tokens.Current.Kind == TemplateTokenKind.String)
        {
            text += tokens.Take().Text;
        }

        return new Expression.Literal(first.At, text);
    }

    private long ParseInteger(TemplateToken token) =>
        long.TryParse(token.Text, NumberStyles.None, CultureInfo.InvariantCulture, out var value)
            ? value
            : throw tokens.Error(token.At, "the number is too large");

    private Expression ParseParentheses(int at)
    {
        if (tokens.TryTakeOperator(")"))
        {
            return new Expression.Items(at, [], IsTuple: true);
        }

        var first = parseExpression();
        if (tokens.TryTakeOperator(","))
        {
            return new Expression.Items(at, [first, .. ParseItems(")")], IsTuple: true);
        }

        tokens.ExpectOperator(")");
        return first;
    }

    private List<Expression> ParseItems(string close)
    {
        var items = new List<Expression>();
        while (!tokens.TryTakeOperator(close))
        {
            items.Add(parseExpression());
            if (!tokens.Current.IsOperator(close))
            {
                tokens.ExpectOperator(",");
            }
        }

        return items;
    }

    private Expression.Map ParseMap(int at)
    {
        var entries = new List<(Expression, Expression)>();
        while (!tokens.TryTakeOperator("}"))
        {
            var key = parseExpression();
            tokens.ExpectOperator(":");
            entries.Add((key, parseExpression()));
            if (!tokens.Current.IsOperator("}"))
            {
                tokens.ExpectOperator(",");
            }
        }

        return new Expression.Map(at, entries);
    }

    private Expression ParseAttribute(Expression target, int at)
    {
        if (tokens.Current.Kind == TemplateTokenKind.Integer)
        {
            var index = tokens.Take();
            return new Expression.Subscript(at, target, new Expression.Literal(index.At, ParseInteger(index)));
        }

        return new Expression.Attribute(at, target, tokens.Expect(TemplateTokenKind.Name, "a name").Text);
    }

    private Expression ParseSubscript(Expression target, int at)
    {
        var start = tokens.Current.IsOperator(":") ? null : parseExpression();
        if (start is not null && tokens.TryTakeOperator("]"))
        {
            return new Expression.Subscript(at, target, start);
        }

        tokens.ExpectOperator(":");
        var stop = tokens.Current.IsOperator(":") || tokens.Current.IsOperator("]") ? null : parseExpression();
        var step = tokens.TryTakeOperator(":") && !tokens.Current.IsOperator("]") ? parseExpression() : null;
        tokens.ExpectOperator("]");
        return new Expression.Slice(at, target, start, stop, step);
    }

    private Expression.Test ParseTest(Expression input, int at)
    {
        var negated = tokens.TryTakeName("not");
        var name = tokens.Expect(TemplateTokenKind.Name, "a test's name");
        tokens.Uses.Tests.Add((name.At, name.Text));
        var arguments = BeginsBareArgument() ? new CallArguments([ParseOperand()], []) : ParseOptionalArguments();
        return new Expression.Test(at, input, name.Text, arguments, negated);
    }

    // "is divisibleby 3" may go without parentheses.
    private bool BeginsBareArgument() =>
        tokens.Current.Kind switch
        {
            TemplateTokenKind.String or TemplateTokenKind.Integer or TemplateTokenKind.Float => true,
            TemplateTokenKind.Name => tokens.Current.Text
                is not ("else" or "or" or "and" or "if" or "is" or "in" or "not"),
            TemplateTokenKind.Operator => tokens.Current.Text is "[" or "{",
            _ => false,
        };

    private CallArguments ParseOptionalArguments() =>
        tokens.Current.IsOperator("(") ? ParseArguments() : CallArguments.None;

    private CallArguments ParseArguments()
    {
        tokens.ExpectOperator("(");
        var positional = new List<Expression>();
        var named = new List<(string, Expression)>();
        Expression? sequence = null;
        Expression? map = null;
        while (!tokens.TryTakeOperator(")"))
        {
            if (sequence is null && map is null && tokens.TryTakeOperator("*"))
            {
                sequence = parseExpression();
            }
            else if (map is null && tokens.TryTakeOperator("**"))
            {
                map = parseExpression();
            }
            else if (map is null && tokens.Current.Kind == TemplateTokenKind.Name && tokens.Following.IsOperator("="))
            {
                var name = tokens.Take().Text;
                tokens.Take();
                named.Add((name, parseExpression()));
            }
            else if (named.Count == 0 && sequence is null && map is null)
            {
                positional.Add(parseExpression());
            }
            else
            {
                throw tokens.Error("an argument without a name follows one with a name or an unpacked one");
            }

            if (!tokens.Current.IsOperator(")"))
            {
                tokens.ExpectOperator(",");
            }
        }

        return new CallArguments(positional, named, sequence, map);
    }
}
