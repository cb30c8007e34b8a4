using Ppsd.Host.Text.ChatTemplates.Functions;
using Ppsd.Host.Text.ChatTemplates.Syntax;
using Ppsd.Host.Text.ChatTemplates.Values;

namespace Ppsd.Host.Text.ChatTemplates;

/// <summary>Evaluates expressions. One instance serves one rendering.</summary>
/// <param name="budget">Limits of one rendering.</param>
internal sealed class TemplateEvaluator(RenderBudget budget)
{
    private readonly Operators _operators = new(budget);
    private readonly Sequences _sequences = new(budget);
    private readonly Methods _methods = new(budget);
    private readonly ValueTests _tests = new(budget);
    private readonly Filters _filters = new(budget, new ValueTests(budget));

    /// <summary>Where the operation stands that was begun last: the place of a fault.</summary>
    public int At { get; private set; }

    /// <summary>The value of an expression.</summary>
    /// <exception cref="TemplateFaultException">It has none; <see cref="At"/> is where.</exception>
    public object? Evaluate(Expression expression, TemplateScope scope)
    {
        At = expression.At;
        budget.Step();
        budget.Enter();
        var value = expression switch
        {
            Expression.Literal literal => literal.Value,
            Expression.Variable variable => scope.Get(variable.Name),
            Expression.Items items => EvaluateItems(items, scope),
            Expression.Map map => EvaluateMap(map, scope),
            Expression.Attribute attribute => EvaluateAttribute(attribute, scope),
            Expression.Subscript subscript => EvaluateSubscript(subscript, scope),
            Expression.Slice slice => EvaluateSlice(slice, scope),
            Expression.Call call => EvaluateCall(call, scope),
            Expression.Filter filter => EvaluateFilter(filter, scope),
            Expression.Test test => EvaluateTest(test, scope),
            Expression.Not not => !IsTrue(not.Operand, scope),
            Expression.Sign sign => EvaluateSign(sign, scope),
            Expression.Binary binary => EvaluateBinary(binary, scope),
            Expression.Comparison comparison => EvaluateComparison(comparison, scope),
            Expression.Logical logical => EvaluateLogical(logical, scope),
            Expression.Conditional conditional => EvaluateConditional(conditional, scope),
            _ => throw new InvalidOperationException($"There is no expression {expression.GetType()}."),
        };
        budget.Leave();
        return value;
    }

    /// <summary>Whether the value of an expression counts as true.</summary>
    /// <exception cref="TemplateFaultException">It has none.</exception>
    public bool IsTrue(Expression expression, TemplateScope scope) => Operators.IsTrue(Evaluate(expression, scope));

    /// <summary>Elements of a loop over an expression's value.</summary>
    /// <exception cref="TemplateFaultException">The value cannot be run through.</exception>
    public IReadOnlyList<object?> Elements(Expression expression, TemplateScope scope) =>
        _sequences.Elements(Place(expression.At, Evaluate(expression, scope)));

    /// <summary>Elements of a loop over a value.</summary>
    /// <exception cref="TemplateFaultException">The value cannot be run through.</exception>
    public IReadOnlyList<object?> Elements(object? value) => _sequences.Elements(value);

    private TemplateList EvaluateItems(Expression.Items items, TemplateScope scope) =>
        new(
            [.. items.Elements.Select(element => Evaluate(element, scope))],
            items.IsTuple ? TemplateList.Kinds.Tuple : TemplateList.Kinds.List
        );

    private TemplateMap EvaluateMap(Expression.Map map, TemplateScope scope)
    {
        var result = new TemplateMap();
        foreach (var (key, value) in map.Entries)
        {
            result.Set(Evaluate(key, scope), Evaluate(value, scope));
        }

        return result;
    }

    // A method wins over an entry of the same name; with a subscript it is the other way round.
    private object? EvaluateAttribute(Expression.Attribute attribute, TemplateScope scope)
    {
        var target = Operators.Defined(Place(attribute.At, Evaluate(attribute.Target, scope)));
        switch (target)
        {
            case LoopState loop:
                return loop.Attribute(attribute.Name);
            case TemplateNamespace space:
                return space.Fields.TryGetValue(attribute.Name, out var field)
                    ? field
                    : new Undefined($"the namespace has no '{attribute.Name}'");
            default:
                var method = _methods.Find(target, attribute.Name);
                return method is Undefined && target is TemplateMap map && map.TryGet(attribute.Name, out var value)
                    ? value
                    : method;
        }
    }

    private object? EvaluateSubscript(Expression.Subscript subscript, TemplateScope scope)
    {
        var target = Evaluate(subscript.Target, scope);
        var index = Evaluate(subscript.Index, scope);
        var value = _sequences.At(Place(subscript.At, target), index);
        return value is Undefined && index is string name ? _methods.Find(target, name) : value;
    }

    private object EvaluateSlice(Expression.Slice slice, TemplateScope scope)
    {
        var target = Evaluate(slice.Target, scope);
        var start = slice.Start is null ? null : Evaluate(slice.Start, scope);
        var stop = slice.Stop is null ? null : Evaluate(slice.Stop, scope);
        var step = slice.Step is null ? null : Evaluate(slice.Step, scope);
        return _sequences.Slice(Place(slice.At, target), start, stop, step);
    }

    /// <summary>Calls a function, as <c>{% call %}</c> does with one more argument.</summary>
    /// <exception cref="TemplateFaultException">It cannot be called, or refuses its arguments.</exception>
    public object? EvaluateCall(Expression.Call call, TemplateScope scope, TemplateFunction? caller = null)
    {
        var callee = Operators.Defined(Place(call.At, Evaluate(call.Callee, scope)));
        if (callee is LoopState { Again: { } again })
        {
            callee = again;
        }

        if (callee is not TemplateFunction function)
        {
            throw new TemplateFaultException($"{ValueNames.Of(callee)} cannot be called");
        }

        var arguments = EvaluateArguments(call.Arguments, function.Name, scope);
        if (caller is not null)
        {
            arguments.Name("caller", caller);
        }

        At = call.At;
        var result = function.Call(arguments);
        arguments.RefuseRest();
        return result;
    }

    private object? EvaluateFilter(Expression.Filter filter, TemplateScope scope)
    {
        var input = Evaluate(filter.Input, scope);
        var arguments = EvaluateArguments(filter.Arguments, $"filter '{filter.Name}'", scope);
        At = filter.At;
        return _filters.Apply(filter.Name, input, arguments);
    }

    private object EvaluateTest(Expression.Test test, TemplateScope scope)
    {
        var input = Evaluate(test.Input, scope);
        var arguments = EvaluateArguments(test.Arguments, $"test '{test.Name}'", scope);
        At = test.At;
        return _tests.Passes(test.Name, input, arguments) != test.Negated;
    }

    private object EvaluateSign(Expression.Sign sign, TemplateScope scope) =>
        Operators.Sign(Place(sign.At, Evaluate(sign.Operand, scope)), sign.Negative);

    private object EvaluateBinary(Expression.Binary binary, TemplateScope scope)
    {
        var left = Evaluate(binary.Left, scope);
        var right = Evaluate(binary.Right, scope);
        At = binary.At;
        return _operators.Binary(binary.Operator, left, right);
    }

    private bool EvaluateComparison(Expression.Comparison comparison, TemplateScope scope)
    {
        var left = Evaluate(comparison.First, scope);
        foreach (var (op, operand) in comparison.Others)
        {
            var right = Evaluate(operand, scope);
            At = comparison.At;
            if (!_operators.Compare(op, left, right))
            {
                return false;
            }

            left = right;
        }

        return true;
    }

    private object? EvaluateLogical(Expression.Logical logical, TemplateScope scope)
    {
        var left = Evaluate(logical.Left, scope);
        return Operators.IsTrue(left) == logical.IsAnd ? Evaluate(logical.Right, scope) : left;
    }

    private object? EvaluateConditional(Expression.Conditional conditional, TemplateScope scope) =>
        IsTrue(conditional.Condition, scope) ? Evaluate(conditional.Then, scope)
        : conditional.Otherwise is null ? new Undefined("the inline if was false and has no else")
        : Evaluate(conditional.Otherwise, scope);

    private Arguments EvaluateArguments(CallArguments arguments, string callee, TemplateScope scope)
    {
        var named = new Dictionary<string, object?>();
        List<object?> positional = [.. arguments.Positional.Select(argument => Evaluate(argument, scope))];
        if (arguments.Sequence is { } sequence)
        {
            positional.AddRange(Elements(sequence, scope));
            budget.List(positional.Count);
        }

        foreach (var (name, value) in arguments.Named)
        {
            named[name] = Evaluate(value, scope);
        }

        if (arguments.Map is { } unpacked)
        {
            var map =
                Place(unpacked.At, Evaluate(unpacked, scope)) as TemplateMap
                ?? throw new TemplateFaultException("'**' unpacks a map");
            foreach (var (key, value) in map.Entries)
            {
                var name =
                    key as string ?? throw new TemplateFaultException("'**' unpacks a map whose keys are strings");
                if (!named.TryAdd(name, value))
                {
                    throw new TemplateFaultException($"{callee} was given '{name}' twice");
                }
            }
        }

        return new Arguments(callee, positional, named);
    }

    // Evaluating the operands moved the place on; the operation itself stands here.
    private object? Place(int at, object? value)
    {
        At = at;
        return value;
    }
}
