using System.Globalization;
using System.Numerics;

namespace Ppsd.Host.Text.ChatTemplates.Values;

/// <summary>Python's format of one value by a <see cref="FormatSpec"/>.</summary>
internal static class PythonFormat
{
    /// <summary>Formats a value.</summary>
    /// <exception cref="TemplateFaultException">The specification does not apply to it.</exception>
    public static string Format(object? value, FormatSpec spec, RenderBudget budget)
    {
        budget.Text(spec.Width + (spec.Precision ?? 0));
        return (value, spec.Type) switch
        {
            (string text, null or 's') when spec is { Sign: '-', Grouping: null, Align: not '=' } => spec.Place(
                "",
                spec.Precision is { } most && PythonText.Length(text) > most ? PythonText.Slice(text, 0, most) : text,
                '<'
            ),
            (bool or long, null or 'd' or 'b' or 'o' or 'x' or 'X' or 'c') when spec.Precision is null => Integer(
                (long)PythonNumbers.From(value)!,
                spec
            ),
            (bool or long or double, not ('s' or 'd' or 'b' or 'o' or 'x' or 'X' or 'c')) => Real(
                Convert.ToDouble(PythonNumbers.From(value), CultureInfo.InvariantCulture),
                spec
            ),
            _ => throw new TemplateFaultException(
                $"the format '{spec.Type}' does not apply to {ValueNames.Of(Operators.Defined(value))}"
            ),
        };
    }

    private static string Integer(long value, FormatSpec spec)
    {
        if (spec.Type == 'c')
        {
            return value is >= 0 and <= 0x10FFFF and not (>= 0xD800 and <= 0xDFFF)
                ? spec.Place("", char.ConvertFromUtf32((int)value), '>')
                : throw new TemplateFaultException($"{value} is not a character");
        }

        var magnitude = BigInteger.Abs(value);
        var (prefix, digits) = spec.Type switch
        {
            'b' => ("0b", magnitude.ToString("B", CultureInfo.InvariantCulture).TrimStart('0')),
            'o' => ("0o", Convert.ToString(Math.Abs(value), 8).TrimStart('0')),
            'x' => ("0x", magnitude.ToString("x", CultureInfo.InvariantCulture).TrimStart('0')),
            'X' => ("0X", magnitude.ToString("X", CultureInfo.InvariantCulture).TrimStart('0')),
            _ => ("", magnitude.ToString(CultureInfo.InvariantCulture)),
        };
        digits = digits.Length == 0 ? "0" : digits;
        var sign = SignOf(value < 0, spec) + (spec.Alternate ? prefix : "");
        return spec.Place(sign, Grouped(digits, spec), '>');
    }

    private static string Real(double value, FormatSpec spec)
    {
        var isNegative = double.IsNegative(value) && !double.IsNaN(value);
        var isUpper = spec.Type is 'E' or 'F' or 'G';
        var body = !double.IsFinite(value)
            ? double.IsNaN(value)
                ? "nan"
                : "inf"
            : Digits(value, spec);
        return spec.Place(SignOf(isNegative, spec), isUpper ? body.ToUpperInvariant() : body, '>');
    }

    private static string Digits(double value, FormatSpec spec)
    {
        var precision = spec.Precision ?? 6;
        switch (spec.Type)
        {
            case 'f' or 'F':
                return Grouped(RealDigits.Fixed(value, precision), spec);
            case '%':
                return Grouped(RealDigits.Fixed(value * 100, precision), spec) + "%";
            case 'e' or 'E':
                return Scientific(RealDigits.Significant(value, precision + 1), spec.Alternate);
            case null when spec.Precision is null:
                return Grouped(PythonNumbers.Print(Math.Abs(value)), spec);
            default:
                return General(value, Math.Max(precision, 1), spec);
        }
    }

    // Without a type, at least one decimal is shown, so an exponent comes one digit earlier.
    private static string General(double value, int precision, FormatSpec spec)
    {
        var (digits, exponent) = RealDigits.Significant(value, precision);
        if (exponent < -4 || exponent >= precision - (spec.Type is null ? 1 : 0))
        {
            return Scientific((spec.Alternate ? digits : Trimmed(digits), exponent), spec.Alternate);
        }

        var text = RealDigits.Fixed(value, Math.Max(0, precision - 1 - exponent));
        text = spec.Alternate || !text.Contains('.') ? text : text.TrimEnd('0').TrimEnd('.');
        return Grouped(spec.Type is null && !text.Contains('.') ? text + ".0" : text, spec);
    }

    private static string Trimmed(string digits) => digits[..1] + digits[1..].TrimEnd('0');

    private static string Scientific((string Digits, int Exponent) number, bool keepsPoint) =>
        string.Create(
            CultureInfo.InvariantCulture,
            $"{number.Digits[0]}{(number.Digits.Length > 1 || keepsPoint ? "." : "")}{number.Digits[1..]}e{number.Exponent:+00;-00}"
        );

    private static string SignOf(bool isNegative, FormatSpec spec) =>
        isNegative ? "-"
        : spec.Sign == '-' ? ""
        : spec.Sign.ToString();

    private static string Grouped(string digits, FormatSpec spec)
    {
        if (spec.Grouping is not { } separator)
        {
            return digits;
        }

        var whole = digits.AsSpan().IndexOfAnyExceptInRange('0', '9') is var end and >= 0 ? digits[..end] : digits;
        var size = spec.Type is 'b' or 'o' or 'x' or 'X' ? 4 : 3;
        var parts = new List<string>();
        for (var stop = whole.Length; stop > 0; stop -= size)
        {
            parts.Insert(0, whole[Math.Max(0, stop - size)..stop]);
        }

        return string.Join(separator, parts) + digits[whole.Length..];
    }
}
