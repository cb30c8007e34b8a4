using System.Globalization;
using System.Numerics;

namespace Ppsd.Host.Text.ChatTemplates.Values;

/// <summary>
/// Decimal digits of real numbers as Python rounds them: exactly, from the binary value, and to the even digit where two
/// are equally near. .NET rounds such ties away from zero.
/// </summary>
internal static class RealDigits
{
    /// <summary>Most digits before or after the point that a template may ask for.</summary>
    public const int MaxPrecision = 1000;

    /// <summary>
    /// round(value, precision): the nearest number with that many decimals; a negative precision rounds tens.
    /// </summary>
    public static double Round(double value, int precision)
    {
        if (!double.IsFinite(value) || value == 0 || precision > 330)
        {
            return value;
        }

        var digits = Scaled(value, Math.Max(precision, -330));
        var sign = value < 0 ? "-" : "";
        return double.Parse($"{sign}{digits}E{-Math.Max(precision, -330)}", CultureInfo.InvariantCulture);
    }

    /// <summary>The magnitude with exactly that many decimals: "2.50".</summary>
    public static string Fixed(double value, int precision)
    {
        var digits = Scaled(value, precision).ToString(CultureInfo.InvariantCulture).PadLeft(precision + 1, '0');
        return precision == 0 ? digits : $"{digits[..^precision]}.{digits[^precision..]}";
    }

    /// <summary>The first significant digits of the magnitude, and the power of ten of the first digit.</summary>
    public static (string Digits, int Exponent) Significant(double value, int count)
    {
        if (value == 0)
        {
            return (new string('0', count), 0);
        }

        var exponent = (int)Math.Floor(Math.Log10(Math.Abs(value)));
        while (true)
        {
            // The logarithm may be off by one, and rounding may carry into a new digit.
            var digits = Scaled(value, count - 1 - exponent).ToString(CultureInfo.InvariantCulture);
            if (digits.Length == count)
            {
                return (digits, exponent);
            }

            exponent += digits.Length - count;
        }
    }

    // |value| x 10^precision, rounded to an integer.
    private static BigInteger Scaled(double value, int precision)
    {
        var bits = BitConverter.DoubleToInt64Bits(value);
        var exponent = (int)((bits >> 52) & 0x7FF);
        var mantissa = bits & ((1L << 52) - 1);
        mantissa = exponent == 0 ? mantissa : mantissa | (1L << 52);
        exponent = Math.Max(exponent, 1) - 1075;

        var numerator = new BigInteger(mantissa) << Math.Max(exponent, 0);
        var denominator = BigInteger.One << Math.Max(-exponent, 0);
        numerator *= BigInteger.Pow(10, Math.Max(precision, 0));
        denominator *= BigInteger.Pow(10, Math.Max(-precision, 0));
        var quotient = BigInteger.DivRem(numerator, denominator, out var rest);
        var order = (rest * 2).CompareTo(denominator);
        return order > 0 || (order == 0 && !quotient.IsEven) ? quotient + 1 : quotient;
    }
}
