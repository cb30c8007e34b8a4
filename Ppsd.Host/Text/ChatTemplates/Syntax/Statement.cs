namespace Ppsd.Host.Text.ChatTemplates.Syntax;

/// <summary>A node of a template's syntax tree.</summary>
/// <param name="At">Where it begins.</param>
internal abstract record Statement(int At)
{
    /// <summary>Text as it stands.</summary>
    public sealed record Output(int At, string Text) : Statement(At);

    /// <summary><c>{{ value }}</c></summary>
    public sealed record Print(int At, Expression Value) : Statement(At);

    /// <summary><c>if</c> with its <c>elif</c>s, in order, and <c>else</c>.</summary>
    public sealed record If(
        int At,
        IReadOnlyList<(Expression Condition, IReadOnlyList<Statement> Body)> Branches,
        IReadOnlyList<Statement> Otherwise
    ) : Statement(At);

    /// <summary>
    /// <c>for target in items if condition</c>; <c>Otherwise</c> is done when there is no item. A recursive one can be
    /// called from its body with other items.
    /// </summary>
    public sealed record For(
        int At,
        AssignTarget Target,
        Expression Items,
        Expression? Condition,
        IReadOnlyList<Statement> Body,
        IReadOnlyList<Statement> Otherwise,
        bool IsRecursive
    ) : Statement(At);

    /// <summary><c>set target = value</c></summary>
    public sealed record Set(int At, AssignTarget Target, Expression Value) : Statement(At);

    /// <summary>
    /// <c>set target</c> ... <c>endset</c>: what the body renders; <c>Filtered</c> is applied to
    /// <see cref="BlockText"/>.
    /// </summary>
    public sealed record SetBlock(int At, AssignTarget Target, Expression Filtered, IReadOnlyList<Statement> Body)
        : Statement(At)
    {
        /// <summary>
        /// Name of the variable that holds the rendered body in <see cref="Filtered"/>; templates cannot write this
        /// name.
        /// </summary>
        public const string BlockText = "the block";
    }

    /// <summary><c>filter filtered</c> ... <c>endfilter</c>: what the body renders, filtered, is printed.</summary>
    public sealed record FilterBlock(int At, Expression Filtered, IReadOnlyList<Statement> Body) : Statement(At);

    /// <summary><c>with target = value, ...</c> ... <c>endwith</c>: variables for the body alone.</summary>
    public sealed record With(
        int At,
        IReadOnlyList<(AssignTarget Target, Expression Value)> Variables,
        IReadOnlyList<Statement> Body
    ) : Statement(At);

    /// <summary><c>macro name(parameters)</c>; further arguments are refused unless the body mentions their names.</summary>
    public sealed record Macro(
        int At,
        string Name,
        IReadOnlyList<(string Name, Expression? Default)> Parameters,
        IReadOnlyList<Statement> Body,
        bool TakesCaller = false,
        bool TakesFurtherPositional = false,
        bool TakesFurtherNamed = false
    ) : Statement(At);

    /// <summary><c>call(parameters) callee(arguments)</c>: the callee's <c>caller()</c> renders the body.</summary>
    public sealed record CallBlock(int At, Macro Caller, Expression.Call Call) : Statement(At);

    /// <summary><c>break</c> or <c>continue</c></summary>
    public sealed record LoopControl(int At, bool IsBreak) : Statement(At);
}
