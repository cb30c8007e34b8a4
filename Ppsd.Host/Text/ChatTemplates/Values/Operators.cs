using System.Text;

namespace Ppsd.Host.Text.ChatTemplates.Values;

/// <summary>What Python's operators do with the values of a template.</summary>
/// <param name="budget">Limits of one rendering.</param>
internal sealed class Operators(RenderBudget budget)
{
    /// <summary>Whether a value counts as true: not none, undefined, false, zero or empty.</summary>
    public static bool IsTrue(object? value) =>
        value switch
        {
            null or Undefined or false => false,
            long number => number != 0,
            double number => number != 0,
            string text => text.Length > 0,
            TemplateList { Kind: not TemplateList.Kinds.Generator } list => list.Items.Count > 0,
            TemplateMap map => map.Count > 0,
            _ => true,
        };

    /// <summary>The value, which something needs to exist.</summary>
    /// <exception cref="TemplateFaultException">It is undefined.</exception>
    public static object? Defined(object? value) => value is Undefined missing ? throw missing.Fault() : value;

    /// <summary><c>+ - * / // % **</c> and <c>~</c></summary>
    /// <exception cref="TemplateFaultException">The operator does not apply to the values.</exception>
    public object Binary(string op, object? left, object? right)
    {
        if (op == "~")
        {
            return Concatenate(ValuePrinter.Print(left, budget), ValuePrinter.Print(right, budget));
        }

        Defined(left);
        Defined(right);
        return (op, left, right) switch
        {
            ("+", string a, string b) => Concatenate(a, b),
            ("+", TemplateList a, TemplateList b) when a.Kind == b.Kind => Concatenate(a, b),
            ("*", string a, long b) => Repeat(a, b),
            ("*", long a, string b) => Repeat(b, a),
            ("*", TemplateList a, long b) => Repeat(a, b),
            ("*", long a, TemplateList b) => Repeat(b, a),
            ("%", string format, _) => new PercentFormatting(budget).Format(format, right),
            _ when PythonNumbers.From(left) is { } a && PythonNumbers.From(right) is { } b => PythonNumbers.Apply(
                op,
                a,
                b
            ),
            _ => throw new TemplateFaultException(
                $"'{op}' does not apply to {ValueNames.Of(left)} and {ValueNames.Of(right)}"
            ),
        };
    }

    /// <summary>A value with a sign before it.</summary>
    /// <exception cref="TemplateFaultException">It is not a number.</exception>
    public static object Sign(object? value, bool negative) =>
        PythonNumbers.From(Defined(value)) is { } number
            ? negative
                ? PythonNumbers.Apply("-", 0L, number)
                : number
            : throw new TemplateFaultException($"a sign does not apply to {ValueNames.Of(value)}");

    /// <summary><c>== != &lt; &lt;= &gt; &gt;= in</c> and <c>not in</c></summary>
    /// <exception cref="TemplateFaultException">The values cannot be compared.</exception>
    public bool Compare(string op, object? left, object? right) =>
        op switch
        {
            "==" => AreEqual(left, right),
            "!=" => !AreEqual(left, right),
            "in" => Contains(right, left),
            "not in" => !Contains(right, left),
            "<" => Order(op, left, right) < 0,
            "<=" => Order(op, left, right) <= 0,
            ">" => Order(op, left, right) > 0,
            _ => Order(op, left, right) >= 0,
        };

    /// <summary>Whether two values are equal; lists and maps are when their elements are.</summary>
    /// <exception cref="TemplateFaultException">They are nested too deeply.</exception>
    public bool AreEqual(object? left, object? right) => AreEqual(left, right, depth: 0);

    private bool AreEqual(object? left, object? right, int depth)
    {
        RenderBudget.CheckDepth(depth);
        budget.Step();
        switch (left, right)
        {
            case (string a, string b):
                budget.Text(Math.Min(a.Length, b.Length));
                return a == b;
            case (TemplateList a, TemplateList b):
                return a.Kind == b.Kind
                    && a.Items.Count == b.Items.Count
                    && a.Items.Zip(b.Items).All(pair => AreEqual(pair.First, pair.Second, depth + 1));
            case (TemplateMap a, TemplateMap b):
                return a.Count == b.Count
                    && a.Entries.All(entry =>
                        b.TryGet(entry.Key, out var other) && AreEqual(entry.Value, other, depth + 1)
                    );
            case (Undefined, Undefined):
                return true;
            default:
                return PythonNumbers.From(left) is { } x && PythonNumbers.From(right) is { } y
                    ? OrderOfNumbers(x, y) == 0
                    : Equals(left, right);
        }
    }

    private bool Contains(object? container, object? value)
    {
        switch (container)
        {
            case Undefined:
                return false;
            case string text when value is string part:
                budget.Search(text.Length, part.Length);
                return text.Contains(part, StringComparison.Ordinal);
            case TemplateList list:
                return list.Items.Any(item => AreEqual(item, value));
            case TemplateMap map:
                return map.TryGet(value, out _);
            default:
                throw new TemplateFaultException(
                    $"'in' does not apply to {ValueNames.Of(value)} and {ValueNames.Of(container)}"
                );
        }
    }

    /// <summary>Below 0 where the left value comes first, above 0 where the right one does.</summary>
    /// <exception cref="TemplateFaultException">The values have no order.</exception>
    public int Order(object? left, object? right) => Order("<", left, right);

    private int Order(string op, object? left, object? right, int depth = 0)
    {
        RenderBudget.CheckDepth(depth);
        if (Defined(left) is string a && Defined(right) is string b)
        {
            budget.Text(Math.Min(a.Length, b.Length));
            return CompareCharacters(a, b);
        }

        if (left is TemplateList first && right is TemplateList second && first.Kind == second.Kind)
        {
            foreach (var (x0, y0) in first.Items.Zip(second.Items))
            {
                if (!AreEqual(x0, y0, depth + 1))
                {
                    return Order(op, x0, y0, depth + 1);
                }
            }

            return first.Items.Count.CompareTo(second.Items.Count);
        }

        return PythonNumbers.From(left) is { } x && PythonNumbers.From(Defined(right)) is { } y
            ? OrderOfNumbers(x, y)
            : throw new TemplateFaultException(
                $"'{op}' does not apply to {ValueNames.Of(left)} and {ValueNames.Of(right)}"
            );
    }

    private static int OrderOfNumbers(object left, object right) =>
        left is long a && right is long b
            ? a.CompareTo(b)
            : Convert.ToDouble(left, null).CompareTo(Convert.ToDouble(right, null));

    // By characters: a surrogate pair comes after every other UTF-16 unit.
    private static int CompareCharacters(string left, string right)
    {
        var same = left.AsSpan().CommonPrefixLength(right);
        return same == left.Length || same == right.Length ? left.Length.CompareTo(right.Length)
            : char.IsSurrogate(left[same]) == char.IsSurrogate(right[same]) ? left[same].CompareTo(right[same])
            : char.IsSurrogate(left[same]) ? 1
            : -1;
    }

    private string Concatenate(string left, string right)
    {
        budget.Text((long)left.Length + right.Length);
        return left + right;
    }

    private TemplateList Concatenate(TemplateList left, TemplateList right)
    {
        budget.List((long)left.Items.Count + right.Items.Count);
        return left with { Items = [.. left.Items, .. right.Items] };
    }

    private TemplateList Repeat(TemplateList list, long count)
    {
        if (list.Kind == TemplateList.Kinds.Generator)
        {
            throw new TemplateFaultException($"'*' does not apply to {ValueNames.Of(list)}");
        }

        count = Math.Clamp(count, 0, RenderBudget.MaxCount + 1L);
        budget.List(list.Items.Count * count);
        return list with { Items = [.. Enumerable.Repeat(list.Items, (int)count).SelectMany(items => items)] };
    }

    private string Repeat(string text, long count)
    {
        count = Math.Clamp(count, 0, RenderBudget.MaxLength + 1L);
        budget.Text(text.Length * count);
        return new StringBuilder().Insert(0, text, (int)count).ToString();
    }
}
