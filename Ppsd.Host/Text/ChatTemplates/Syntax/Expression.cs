namespace Ppsd.Host.Text.ChatTemplates.Syntax;

/// <summary>A node of an expression's syntax tree.</summary>
/// <param name="At">Where messages point to: the operator, name or bracket that makes the node.</param>
internal abstract record Expression(int At)
{
    /// <summary>A constant: none, a truth value, a number or a string.</summary>
    public sealed record Literal(int At, object? Value) : Expression(At);

    /// <summary>A variable.</summary>
    public sealed record Variable(int At, string Name) : Expression(At);

    /// <summary>A list or a tuple.</summary>
    public sealed record Items(int At, IReadOnlyList<Expression> Elements, bool IsTuple) : Expression(At);

    /// <summary>A map.</summary>
    public sealed record Map(int At, IReadOnlyList<(Expression Key, Expression Value)> Entries) : Expression(At);

    /// <summary><c>target.name</c></summary>
    public sealed record Attribute(int At, Expression Target, string Name) : Expression(At);

    /// <summary><c>target[index]</c></summary>
    public sealed record Subscript(int At, Expression Target, Expression Index) : Expression(At);

    /// <summary><c>target[start:stop:step]</c></summary>
    public sealed record Slice(int At, Expression Target, Expression? Start, Expression? Stop, Expression? Step)
        : Expression(At);

    /// <summary><c>callee(arguments)</c></summary>
    public sealed record Call(int At, Expression Callee, CallArguments Arguments) : Expression(At);

    /// <summary><c>input | name(arguments)</c></summary>
    public sealed record Filter(int At, Expression Input, string Name, CallArguments Arguments) : Expression(At);

    /// <summary><c>input is name(arguments)</c>, or <c>is not</c>.</summary>
    public sealed record Test(int At, Expression Input, string Name, CallArguments Arguments, bool Negated)
        : Expression(At);

    /// <summary><c>not operand</c></summary>
    public sealed record Not(int At, Expression Operand) : Expression(At);

    /// <summary><c>-operand</c> or <c>+operand</c></summary>
    public sealed record Sign(int At, Expression Operand, bool Negative) : Expression(At);

    /// <summary>Arithmetic and <c>~</c>.</summary>
    public sealed record Binary(int At, string Operator, Expression Left, Expression Right) : Expression(At);

    /// <summary><c>first &lt; second == third</c>: every neighbouring pair is compared.</summary>
    public sealed record Comparison(
        int At,
        Expression First,
        IReadOnlyList<(string Operator, Expression Operand)> Others
    ) : Expression(At);

    /// <summary><c>and</c> or <c>or</c>: the value of the operand that decides.</summary>
    public sealed record Logical(int At, bool IsAnd, Expression Left, Expression Right) : Expression(At);

    /// <summary><c>then if condition else otherwise</c>; undefined when false without else.</summary>
    public sealed record Conditional(int At, Expression Condition, Expression Then, Expression? Otherwise)
        : Expression(At);
}
