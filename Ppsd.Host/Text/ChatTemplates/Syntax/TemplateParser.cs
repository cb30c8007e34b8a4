using Ppsd.Host.Text.Tokens;

namespace Ppsd.Host.Text.ChatTemplates.Syntax;

/// <summary>
/// Parses a template into statements. Statements it does not know are refused with their name and place: there is no
/// way to render around them.
/// </summary>
internal sealed class TemplateParser
{
    private readonly TokenReader _tokens;
    private readonly ExpressionParser _expressions;
    private int _openLoops;

    private TemplateParser(TokenReader tokens)
    {
        _tokens = tokens;
        _expressions = new ExpressionParser(tokens);
    }

    /// <summary>Parses a whole template.</summary>
    /// <param name="uses">Names that are not the template's own.</param>
    /// <exception cref="TextException">The template is malformed or uses a statement that is not supported.</exception>
    public static IReadOnlyList<Statement> Parse(TemplateSource source, out NameUses uses)
    {
        var tokens = new TokenReader(source, TemplateLexer.Tokenize(source));
        var statements = new TemplateParser(tokens).ParseBody();
        if (tokens.Current.Kind != TemplateTokenKind.End)
        {
            throw tokens.Error($"{tokens.Following} has no beginning");
        }

        uses = tokens.Uses;
        uses.Functions.RemoveAll(use => tokens.IsNamedOutsideCalls(use.Name));
        return statements;
    }

    // Reads statements up to the end of the template or to an "end...", "else" or "elif", which is left to the caller.
    private List<Statement> ParseBody()
    {
        var statements = new List<Statement>();
        while (true)
        {
            var token = _tokens.Current;
            switch (token.Kind)
            {
                case TemplateTokenKind.End:
                    return statements;
                case TemplateTokenKind.Text:
                    statements.Add(new Statement.Output(token.At, _tokens.Take().Text));
                    break;
                case TemplateTokenKind.PrintBegin:
                    _tokens.Take();
                    statements.Add(new Statement.Print(token.At, _expressions.ParseTuple()));
                    _tokens.Expect(TemplateTokenKind.PrintEnd, "'}}'");
                    break;
                default:
                    var name = _tokens.Following;
                    if (name.Kind == TemplateTokenKind.Name && EndsBody(name.Text))
                    {
                        return statements;
                    }

                    _tokens.Take();
                    statements.AddRange(_tokens.Nested(ParseStatement));
                    break;
            }
        }
    }

    private static bool EndsBody(string name) =>
        name.StartsWith("end", StringComparison.Ordinal) || name is "else" or "elif";

    private IReadOnlyList<Statement> ParseStatement()
    {
        var name = _tokens.Expect(TemplateTokenKind.Name, "a statement's name");
        return name.Text switch
        {
            "if" => [ParseIf(name.At)],
            "for" => [ParseFor(name.At)],
            "set" => [ParseSet(name.At)],
            "macro" => [ParseMacro(name.At)],
            "break" or "continue" => [ParseLoopControl(name)],
            "generation" => ParseGeneration(),
            "call" => [ParseCall(name.At)],
            "filter" => [ParseFilterBlock(name.At)],
            "with" => [ParseWith(name.At)],
            _ => throw _tokens.Error(
                name.At,
                $"the statement '{name.Text}' is not supported; supported: if, for, set, macro, call, filter, with, raw, "
                    + "break, continue, generation"
            ),
        };
    }

    private Statement.If ParseIf(int at)
    {
        var branches = new List<(Expression, IReadOnlyList<Statement>)>();
        do
        {
            var condition = _expressions.ParseTupleBeforeIf();
            CloseTag();
            branches.Add((condition, ParseBody()));
        } while (TryOpen("elif"));

        var otherwise = ParseElse();
        Close("endif", "if", at);
        return new Statement.If(at, branches, otherwise);
    }

    private Statement.For ParseFor(int at)
    {
        var target = ParseTarget();
        _tokens.ExpectName("in");
        var items = _expressions.ParseTupleBeforeIf();
        var condition = _tokens.TryTakeName("if") ? _expressions.ParseExpression() : null;
        var isRecursive = _tokens.TryTakeName("recursive");
        CloseTag();
        _openLoops++;
        var body = ParseBody();
        _openLoops--;
        var otherwise = ParseElse();
        Close("endfor", "for", at);
        return new Statement.For(at, target, items, condition, body, otherwise, isRecursive);
    }

    private Statement ParseSet(int at)
    {
        var target = ParseTarget();
        if (_tokens.TryTakeOperator("="))
        {
            var value = _expressions.ParseTuple();
            CloseTag();
            return new Statement.Set(at, target, value);
        }

        var filtered = _expressions.ParseFilters(new Expression.Variable(at, Statement.SetBlock.BlockText));
        CloseTag();
        var body = ParseBody();
        Close("endset", "set", at);
        return new Statement.SetBlock(at, target, filtered, body);
    }

    private Statement.Macro ParseMacro(int at)
    {
        var name = _tokens.Expect(TemplateTokenKind.Name, "the macro's name").Text;
        var parameters = ParseParameters();
        return ParseMacroBody(at, name, parameters, "macro");
    }

    // call(parameters) callee(arguments)
    private Statement.CallBlock ParseCall(int at)
    {
        var parameters = _tokens.Current.IsOperator("(") ? ParseParameters() : [];
        var place = _tokens.Current.At;
        var call =
            _expressions.ParseExpression() as Expression.Call
            ?? throw _tokens.Error(place, "expected a macro's call, such as 'name(1)'");
        return new Statement.CallBlock(at, ParseMacroBody(at, "caller", parameters, "call"), call);
    }

    private Statement.FilterBlock ParseFilterBlock(int at)
    {
        var block = new Expression.Variable(at, Statement.SetBlock.BlockText);
        var filtered = _expressions.ParseFilterBlock(block);
        CloseTag();
        var body = ParseBody();
        Close("endfilter", "filter", at);
        return new Statement.FilterBlock(at, filtered, body);
    }

    private Statement.With ParseWith(int at)
    {
        var variables = new List<(AssignTarget, Expression)>();
        while (_tokens.Current.Kind != TemplateTokenKind.StatementEnd)
        {
            if (variables.Count > 0)
            {
                _tokens.ExpectOperator(",");
            }

            var target = ParseSingleTarget();
            _tokens.ExpectOperator("=");
            variables.Add((target, _expressions.ParseExpression()));
        }

        CloseTag();
        var body = ParseBody();
        Close("endwith", "with", at);
        return new Statement.With(at, variables, body);
    }

    private List<(string, Expression?)> ParseParameters()
    {
        _tokens.ExpectOperator("(");
        var parameters = new List<(string, Expression?)>();
        while (!_tokens.TryTakeOperator(")"))
        {
            var parameter = _tokens.Expect(TemplateTokenKind.Name, "a parameter's name").Text;
            parameters.Add((parameter, _tokens.TryTakeOperator("=") ? _expressions.ParseExpression() : null));
            if (!_tokens.Current.IsOperator(")"))
            {
                _tokens.ExpectOperator(",");
            }
        }

        return parameters;
    }

    private Statement.Macro ParseMacroBody(
        int at,
        string name,
        List<(string, Expression?)> parameters,
        string statement
    )
    {
        CloseTag();
        var outerLoops = _openLoops;
        _openLoops = 0;
        var start = _tokens.Position;
        var body = ParseBody();
        _openLoops = outerLoops;
        var result = new Statement.Macro(
            at,
            name,
            parameters,
            body,
            TakesCaller: _tokens.HasRead("caller", start),
            TakesFurtherPositional: _tokens.HasRead("varargs", start),
            TakesFurtherNamed: _tokens.HasRead("kwargs", start)
        );
        Close("end" + statement, statement, at);
        return result;
    }

    private Statement.LoopControl ParseLoopControl(TemplateToken name)
    {
        if (_openLoops == 0)
        {
            throw _tokens.Error(name.At, $"'{name.Text}' stands outside a loop");
        }

        CloseTag();
        return new Statement.LoopControl(name.At, IsBreak: name.Text == "break");
    }

    // Marks what the assistant wrote, for training; in a prompt it is its body.
    private List<Statement> ParseGeneration()
    {
        var at = _tokens.Current.At;
        CloseTag();
        var body = ParseBody();
        Close("endgeneration", "generation", at);
        return body;
    }

    private AssignTarget ParseTarget()
    {
        var first = ParseSingleTarget();
        if (!_tokens.Current.IsOperator(","))
        {
            return first;
        }

        var targets = new List<AssignTarget> { first };
        while (_tokens.TryTakeOperator(","))
        {
            targets.Add(ParseSingleTarget());
        }

        return new AssignTarget.Several(first.At, targets);
    }

    private AssignTarget ParseSingleTarget()
    {
        if (_tokens.TryTakeOperator("("))
        {
            var several = _tokens.Nested(ParseTarget);
            _tokens.ExpectOperator(")");
            return several;
        }

        var name = _tokens.Expect(TemplateTokenKind.Name, "a variable");
        return _tokens.TryTakeOperator(".")
            ? new AssignTarget.Field(name.At, name.Text, _tokens.Expect(TemplateTokenKind.Name, "a name").Text)
            : new AssignTarget.Variable(name.At, name.Text);
    }

    private List<Statement> ParseElse()
    {
        if (!TryOpen("else"))
        {
            return [];
        }

        CloseTag();
        return ParseBody();
    }

    // Reads "{% name" if it is next.
    private bool TryOpen(string name)
    {
        if (_tokens.Current.Kind != TemplateTokenKind.StatementBegin || !_tokens.Following.IsName(name))
        {
            return false;
        }

        _tokens.Take();
        _tokens.Take();
        return true;
    }

    private void CloseTag() => _tokens.Expect(TemplateTokenKind.StatementEnd, "'%}'");

    private void Close(string end, string begin, int at)
    {
        if (_tokens.Current.Kind == TemplateTokenKind.End)
        {
            throw _tokens.Error(at, $"'{begin}' is not closed with '{end}'");
        }

        if (!TryOpen(end))
        {
            throw _tokens.Error($"expected '{end}' but found {_tokens.Following}");
        }

        if (end == "endmacro" && _tokens.Current.Kind == TemplateTokenKind.Name)
        {
            _tokens.Take(); // "endmacro name" may repeat the name
        }

        CloseTag();
    }
}
