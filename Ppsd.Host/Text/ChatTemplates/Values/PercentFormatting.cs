using System.Globalization;
using System.Text;

namespace Ppsd.Host.Text.ChatTemplates.Values;

/// <summary><c>"%s and %05.2f" % (a, b)</c></summary>
/// <param name="budget">Limits of one rendering.</param>
internal sealed class PercentFormatting(RenderBudget budget)
{
    private string _format = "";
    private int _position;
    private IReadOnlyList<object?> _values = [];
    private int _nextValue;

    /// <summary>Replaces the directives of a format.</summary>
    /// <param name="values">A tuple of values, a map for directives with names, or a single value.</param>
    /// <exception cref="TemplateFaultException">A directive is malformed, or values are missing or left over.</exception>
    public string Format(string format, object? values)
    {
        (_format, _position, _nextValue) = (format, 0, 0);
        _values = values is TemplateList { Kind: TemplateList.Kinds.Tuple } tuple ? tuple.Items : [values];
        var map = values as TemplateMap;
        var result = new StringBuilder();
        while (_position < format.Length)
        {
            budget.Step();
            RenderBudget.CheckLength(result.Length);
            var c = format[_position++];
            result.Append(c == '%' ? Directive(map) : c.ToString());
        }

        return
            map is not null || values is TemplateList { Kind: TemplateList.Kinds.List } || _nextValue == _values.Count
            ? result.ToString()
            : throw new TemplateFaultException("'%': the format does not use all values");
    }

    private string Directive(TemplateMap? map)
    {
        object? named = null;
        var hasName = Peek() == '(';
        if (hasName)
        {
            var end = _format.IndexOf(')', _position);
            named =
                end >= 0 && map is not null && map.TryGet(_format[(_position + 1)..end], out var value)
                    ? value
                    : throw new TemplateFaultException("'%': the format names a value that the map does not have");
            _position = end + 1;
        }

        var flags = TakeWhile("#0- +");
        var width = TakeNumber() ?? 0;
        int? precision = null;
        if (Peek() == '.')
        {
            _position++;
            precision = TakeNumber() ?? 0;
        }

        var type = Peek();
        _position++;
        if (type == '%')
        {
            return "%";
        }

        var spec = new FormatSpec
        {
            Fill = flags.Contains('0') && !flags.Contains('-') && type is not ('s' or 'r' or 'c') ? "0" : " ",
            Align =
                flags.Contains('-') ? '<'
                : flags.Contains('0') && type is not ('s' or 'r' or 'c') ? '='
                : '>',
            Sign =
                flags.Contains('+') ? '+'
                : flags.Contains(' ') ? ' '
                : '-',
            Alternate = flags.Contains('#'),
            Width = width,
            Precision = precision,
            Type = type is 'i' or 'u' ? 'd' : type,
        };
        return Convert(hasName ? named : NextValue(), spec);
    }

    private string Convert(object? value, FormatSpec spec)
    {
        switch (spec.Type)
        {
            case 's' or 'r':
                var text = spec.Type == 's' ? ValuePrinter.Print(value, budget) : ValuePrinter.Represent(value, budget);
                return PythonFormat.Format(text, spec with { Type = 's', Sign = '-' }, budget);
            case 'c' when value is string character && PythonText.Length(character) == 1:
                return PythonFormat.Format(character, spec with { Type = 's', Sign = '-' }, budget);
            case 'd' or 'x' or 'X' or 'o' or 'c':
                var number = PythonNumbers.From(Operators.Defined(value)) switch
                {
                    long whole => whole,
                    double real when spec.Type == 'd' && Math.Abs(real) < 9e18 => (long)real,
                    _ => throw new TemplateFaultException($"'%{spec.Type}' does not apply to {ValueNames.Of(value)}"),
                };
                return PythonFormat.Format(number, spec with { Precision = null }, budget);
            case 'e' or 'E' or 'f' or 'F' or 'g' or 'G':
                return PythonFormat.Format(value, spec, budget);
            default:
                throw new TemplateFaultException($"'%': the directive '%{spec.Type}' is not supported");
        }
    }

    private object? NextValue() =>
        _nextValue < _values.Count
            ? _values[_nextValue++]
            : throw new TemplateFaultException("'%': the format needs more values");

    private char Peek() =>
        _position < _format.Length
            ? _format[_position]
            : throw new TemplateFaultException("'%': the format ends within a directive");

    private string TakeWhile(string characters)
    {
        var start = _position;
        while (_position < _format.Length && characters.Contains(_format[_position]))
        {
            _position++;
        }

        return _format[start.._position];
    }

    private int? TakeNumber()
    {
        var digits = TakeWhile("0123456789");
        return digits.Length == 0 ? null
            : int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            && number <= RealDigits.MaxPrecision
                ? number
            : throw new TemplateFaultException($"'%': {digits} is more than {RealDigits.MaxPrecision}");
    }
}
