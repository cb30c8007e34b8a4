using System.Globalization;

namespace Ppsd.Host.Text.ChatTemplates.Values;

/// <summary>Numbers as Python computes and prints them. Integers have 64 bits: what does not fit is an error.</summary>
internal static class PythonNumbers
{
    /// <summary>
    /// The number that a value is in arithmetic, where true is 1; null for a value that is not a number.
    /// </summary>
    public static object? From(object? value) =>
        value switch
        {
            bool truth => truth ? 1L : 0L,
            long or double => value,
            _ => null,
        };

    /// <summary>Applies an arithmetic operator to two numbers.</summary>
    /// <exception cref="TemplateFaultException">Division by zero, or a result that does not fit.</exception>
    public static object Apply(string op, object left, object right)
    {
        try
        {
            return left is long a && right is long b
                ? Integers(op, a, b)
                : Reals(
                    op,
                    Convert.ToDouble(left, CultureInfo.InvariantCulture),
                    Convert.ToDouble(right, CultureInfo.InvariantCulture)
                );
        }
        catch (DivideByZeroException)
        {
            throw new TemplateFaultException("division by zero");
        }
        catch (OverflowException)
        {
            throw new TemplateFaultException("the number is too large");
        }
    }

    /// <summary>
    /// repr of a real number: the shortest digits that give the number back, always with a point or an exponent.
    /// </summary>
    public static string Print(double value)
    {
        if (!double.IsFinite(value))
        {
            return double.IsNaN(value) ? "nan"
                : value > 0 ? "inf"
                : "-inf";
        }

        // .NET and Python agree on the digits, not on when an exponent is written.
        var text = Math.Abs(value).ToString("R", CultureInfo.InvariantCulture).Split('E');
        var point = text[0].IndexOf('.');
        var digits = text[0].Replace(".", "").TrimStart('0');
        var exponent = (point < 0 ? text[0].Length : point) - 1 - (text[0].Replace(".", "").Length - digits.Length);
        exponent += text.Length > 1 ? int.Parse(text[1], CultureInfo.InvariantCulture) : 0;
        digits = digits.TrimEnd('0');
        var sign = double.IsNegative(value) ? "-" : "";
        return digits.Length == 0 ? $"{sign}0.0"
            : exponent is < -4 or >= 16 ? $"{sign}{Scientific(digits, exponent)}"
            : exponent < 0 ? $"{sign}0.{digits.PadLeft(digits.Length - exponent - 1, '0')}"
            : $"{sign}{Positional(digits, exponent)}";
    }

    private static string Scientific(string digits, int exponent) =>
        string.Create(
            CultureInfo.InvariantCulture,
            $"{digits[0]}{(digits.Length > 1 ? "." : "")}{digits[1..]}e{exponent:+00;-00}"
        );

    private static string Positional(string digits, int exponent)
    {
        var padded = digits.PadRight(exponent + 2, '0');
        return $"{padded[..(exponent + 1)]}.{padded[(exponent + 1)..]}";
    }

    private static object Integers(string op, long a, long b) =>
        op switch
        {
            "+" => (object)checked(a + b), // without the cast every result would become a double
            "-" => checked(a - b),
            "*" => checked(a * b),
            "/" => b == 0 ? throw new DivideByZeroException() : (double)a / b,
            "//" => FloorDivide(a, b),
            "%" => checked(a - (FloorDivide(a, b) * b)),
            _ when b < 0 => Math.Pow(a, b),
            _ => Power(a, b),
        };

    private static double Reals(string op, double a, double b) =>
        op switch
        {
            "+" => a + b,
            "-" => a - b,
            "*" => a * b,
            "**" => Math.Pow(a, b),
            _ when b == 0 => throw new DivideByZeroException(),
            "/" => a / b,
            "//" => Math.Floor((a - Modulo(a, b)) / b),
            _ => Modulo(a, b),
        };

    // Has the sign of the divisor, where C# gives it that of the dividend.
    private static double Modulo(double a, double b)
    {
        var rest = a % b;
        return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
    }

    // Rounds towards minus infinity, where C# rounds towards zero.
    private static long FloorDivide(long a, long b)
    {
        var quotient = checked(a / b);
        return a % b != 0 && (a < 0) != (b < 0) ? quotient - 1 : quotient;
    }

    private static long Power(long a, long b)
    {
        if (a is >= -1 and <= 1)
        {
            return b == 0 || a == 1 || (a == -1 && b % 2 == 0) ? 1 : a;
        }

        var result = 1L;
        for (; b > 0; b--)
        {
            result = checked(result * a); // ends after 63 rounds at the latest
        }

        return result;
    }
}
