using System.Text;
using Ppsd.Host.Text.ChatTemplates.Functions;
using Ppsd.Host.Text.ChatTemplates.Syntax;
using Ppsd.Host.Text.ChatTemplates.Values;
using Ppsd.Host.Text.Tokens;

namespace Ppsd.Host.Text.ChatTemplates;

/// <summary>Renders statements. One instance serves one rendering.</summary>
internal sealed class TemplateRenderer
{
    private readonly RenderBudget _budget = new();
    private readonly TemplateEvaluator _evaluator;
    private readonly TemplateScope _globals = new(outer: null);

    private TemplateRenderer(TimeProvider time)
    {
        _evaluator = new TemplateEvaluator(_budget);
        new GlobalFunctions(_budget, time).DefineIn(_globals);
    }

    private enum Flow
    {
        Next,
        Break,
        Continue,
    }

    /// <summary>Renders a template.</summary>
    /// <param name="source">The template, for messages.</param>
    /// <param name="statements">The template, parsed.</param>
    /// <param name="variables">What it finds besides the global functions.</param>
    /// <param name="time">Clock for templates that print the date.</param>
    /// <exception cref="TextException">The template refuses the conversation, or cannot be evaluated.</exception>
    public static string Render(
        TemplateSource source,
        IReadOnlyList<Statement> statements,
        IEnumerable<KeyValuePair<string, object?>> variables,
        TimeProvider time
    )
    {
        var renderer = new TemplateRenderer(time);
        var scope = new TemplateScope(renderer._globals);
        foreach (var (name, value) in variables)
        {
            scope.Set(name, value);
        }

        var output = new StringBuilder();
        try
        {
            renderer.Render(statements, scope, output);
        }
        catch (TemplateFaultException fault)
        {
            throw source.Error(renderer._evaluator.At, fault.Message, fault.IsUnsupported);
        }

        return output.ToString();
    }

    private Flow Render(IReadOnlyList<Statement> statements, TemplateScope scope, StringBuilder output)
    {
        _budget.Enter();
        var flow = Flow.Next;
        for (var i = 0; i < statements.Count && flow == Flow.Next; i++)
        {
            _budget.Step();
            flow = Render(statements[i], scope, output);
        }

        _budget.Leave();
        return flow;
    }

    private Flow Render(Statement statement, TemplateScope scope, StringBuilder output)
    {
        switch (statement)
        {
            case Statement.Output text:
                Append(output, text.Text);
                return Flow.Next;
            case Statement.Print print:
                Append(output, ValuePrinter.Print(_evaluator.Evaluate(print.Value, scope), _budget));
                return Flow.Next;
            case Statement.If choice:
                return Render(Choose(choice, scope), scope, output);
            case Statement.For loop:
                return RenderLoop(loop, scope, output);
            case Statement.Set set:
                Assign(set.Target, _evaluator.Evaluate(set.Value, scope), scope);
                return Flow.Next;
            case Statement.SetBlock block:
                Assign(block.Target, RenderBlock(block.Filtered, block.Body, scope), scope);
                return Flow.Next;
            case Statement.FilterBlock block:
                var filtered = RenderBlock(block.Filtered, block.Body, scope);
                Append(output, ValuePrinter.Print(filtered, _budget));
                return Flow.Next;
            case Statement.With with:
                return RenderWith(with, scope, output);
            case Statement.Macro macro:
                scope.Set(macro.Name, FunctionOf(macro, scope));
                return Flow.Next;
            case Statement.CallBlock call:
                var called = _evaluator.EvaluateCall(call.Call, scope, FunctionOf(call.Caller, scope));
                Append(output, ValuePrinter.Print(called, _budget));
                return Flow.Next;
            case Statement.LoopControl control:
                return control.IsBreak ? Flow.Break : Flow.Continue;
            default:
                throw new InvalidOperationException($"There is no statement {statement.GetType()}.");
        }
    }

    private void Append(StringBuilder output, string text)
    {
        _budget.Text(text.Length);
        RenderBudget.CheckLength((long)output.Length + text.Length);
        output.Append(text);
    }

    private IReadOnlyList<Statement> Choose(Statement.If choice, TemplateScope scope)
    {
        foreach (var (condition, body) in choice.Branches)
        {
            if (_evaluator.IsTrue(condition, scope))
            {
                return body;
            }
        }

        return choice.Otherwise;
    }

    private Flow RenderLoop(Statement.For loop, TemplateScope scope, StringBuilder output)
    {
        var items = _evaluator.Elements(loop.Items, scope);
        return RenderLoop(loop, items, scope, output, depth: 0);
    }

    private Flow RenderLoop(
        Statement.For loop,
        IReadOnlyList<object?> items,
        TemplateScope scope,
        StringBuilder output,
        int depth
    )
    {
        if (loop.Condition is { } condition)
        {
            items = [.. items.Where(item => _evaluator.IsTrue(condition, Round(loop.Target, item, scope)))];
        }

        if (items.Count == 0)
        {
            return Render(loop.Otherwise, new TemplateScope(scope), output);
        }

        var changes = new LoopState.Changes(new Operators(_budget));
        var again = loop.IsRecursive ? new TemplateFunction("the loop", RenderAgain) : null;
        for (var i = 0; i < items.Count; i++)
        {
            var round = Round(loop.Target, items[i], scope);
            round.Set("loop", new LoopState(items, i, depth, changes) { Again = again });
            if (Render(loop.Body, round, output) == Flow.Break)
            {
                break;
            }
        }

        return Flow.Next;

        string RenderAgain(Arguments arguments)
        {
            var inner = new StringBuilder();
            RenderLoop(loop, _evaluator.Elements(arguments.Take(0, "iterable")), scope, inner, depth + 1);
            return inner.ToString();
        }
    }

    private TemplateScope Round(AssignTarget target, object? item, TemplateScope scope)
    {
        _budget.Step();
        var round = new TemplateScope(scope);
        Assign(target, item, round);
        return round;
    }

    private object? RenderBlock(Expression filtered, IReadOnlyList<Statement> body, TemplateScope scope)
    {
        var inner = new TemplateScope(scope);
        var text = new StringBuilder();
        Render(body, inner, text);
        inner.Set(Statement.SetBlock.BlockText, text.ToString());
        return _evaluator.Evaluate(filtered, inner);
    }

    // The values do not see one another.
    private Flow RenderWith(Statement.With with, TemplateScope scope, StringBuilder output)
    {
        var inner = new TemplateScope(scope);
        object?[] values = [.. with.Variables.Select(variable => _evaluator.Evaluate(variable.Value, scope))];
        for (var i = 0; i < values.Length; i++)
        {
            Assign(with.Variables[i].Target, values[i], inner);
        }

        return Render(with.Body, inner, output);
    }

    private TemplateFunction FunctionOf(Statement.Macro macro, TemplateScope scope) =>
        new($"macro '{macro.Name}'", arguments => Call(macro, scope, arguments));

    private string Call(Statement.Macro macro, TemplateScope definedIn, Arguments arguments)
    {
        var scope = new TemplateScope(definedIn);
        for (var place = 0; place < macro.Parameters.Count; place++)
        {
            var (name, otherwise) = macro.Parameters[place];
            var value =
                arguments.TryTake(place, name, out var given) ? given
                : otherwise is null ? new Undefined($"the parameter '{name}' of macro '{macro.Name}' was not given")
                : _evaluator.Evaluate(otherwise, scope);
            scope.Set(name, value);
        }

        if (macro.TakesCaller && macro.Parameters.All(parameter => parameter.Name != "caller"))
        {
            var isGiven = arguments.TryTake(int.MaxValue, "caller", out var caller);
            scope.Set("caller", isGiven ? caller : new Undefined("no caller was given"));
        }

        if (macro.TakesFurtherPositional)
        {
            var further = arguments.TakePositional(macro.Parameters.Count);
            scope.Set("varargs", new TemplateList(further, TemplateList.Kinds.Tuple));
        }

        if (macro.TakesFurtherNamed)
        {
            var further = new TemplateMap();
            foreach (
                var (name, value) in arguments.TakeNamedExcept([.. macro.Parameters.Select(p => p.Name), "caller"])
            )
            {
                further.Set(name, value);
            }

            scope.Set("kwargs", further);
        }

        var text = new StringBuilder();
        Render(macro.Body, scope, text);
        return text.ToString();
    }

    private void Assign(AssignTarget target, object? value, TemplateScope scope)
    {
        switch (target)
        {
            case AssignTarget.Variable variable:
                scope.Set(variable.Name, value);
                break;
            case AssignTarget.Field field:
                var space =
                    scope.Get(field.Namespace) as TemplateNamespace
                    ?? throw new TemplateFaultException(
                        $"'{field.Namespace}' is not a namespace: its fields cannot be set"
                    );
                space.Fields[field.Name] = value;
                break;
            case AssignTarget.Several several:
                AssignEach(several, value, scope);
                break;
        }
    }

    private void AssignEach(AssignTarget.Several several, object? value, TemplateScope scope)
    {
        var values = value is TemplateList list ? list.Items : [];
        if (values.Count != several.Targets.Count)
        {
            throw new TemplateFaultException($"{ValueNames.Of(value)} does not have {several.Targets.Count} elements");
        }

        for (var i = 0; i < values.Count; i++)
        {
            Assign(several.Targets[i], values[i], scope);
        }
    }
}
