using System.Globalization;
using Ppsd.Host.Text.ChatTemplates.Values;

namespace Ppsd.Host.Text.ChatTemplates.Functions;

/// <summary>The filters int, float, abs and round.</summary>
internal static class NumberFilters
{
    private const NumberStyles IntegerStyle =
        NumberStyles.AllowLeadingSign | NumberStyles.AllowLeadingWhite | NumberStyles.AllowTrailingWhite;

    /// <summary>int: the number without its fraction, or the default (0) when it is not a number.</summary>
    public static object? ToInteger(object? input, Arguments arguments)
    {
        var otherwise = arguments.TryTake(0, "default", out var given) ? given : 0L;
        return PythonNumbers.From(input) switch
        {
            long number => number,
            double number when Math.Abs(number) < 9e18 => (long)number,
            _ when input is string text
                    && long.TryParse(text, IntegerStyle, CultureInfo.InvariantCulture, out var number) => number,
            _ when input is string text && TryReal(text, out var number) && Math.Abs(number) < 9e18 => (long)number,
            _ => otherwise,
        };
    }

    /// <summary>float: the number as a real one, or the default (0.0) when it is not a number.</summary>
    public static object? ToReal(object? input, Arguments arguments)
    {
        var otherwise = arguments.TryTake(0, "default", out var given) ? given : 0.0;
        return PythonNumbers.From(input) switch
        {
            long number => (double)number,
            double number => number,
            _ when input is string text && TryReal(text, out var number) => number,
            _ => otherwise,
        };
    }

    /// <summary>abs</summary>
    /// <exception cref="TemplateFaultException">The value is not a number.</exception>
    public static object Absolute(object? input) =>
        PythonNumbers.From(Operators.Defined(input)) switch
        {
            long number and not long.MinValue => (object)Math.Abs(number), // uncast, it would become a double
            double number => Math.Abs(number),
            _ => throw new TemplateFaultException($"abs does not apply to {ValueNames.Of(input)}"),
        };

    /// <summary>round: to a number of decimals, to the nearest (common), up (ceil) or down (floor).</summary>
    /// <exception cref="TemplateFaultException">The value is not a number, or the method is unknown.</exception>
    public static object Round(object? input, Arguments arguments)
    {
        var precision = (int)Math.Clamp(arguments.TakeOptionalInteger(0, "precision") ?? 0, -1000, 1000);
        var method = arguments.TakeOptionalString(1, "method") ?? "common";
        var number =
            PythonNumbers.From(Operators.Defined(input))
            ?? throw new TemplateFaultException($"round does not apply to {ValueNames.Of(input)}");
        var real = Convert.ToDouble(number, CultureInfo.InvariantCulture);
        var scale = Math.Pow(10, precision);
        return method switch
        {
            "common" when number is long && precision >= 0 => number,
            "common" when number is long => checked((long)RealDigits.Round(real, precision)),
            "common" => RealDigits.Round(real, precision),
            "ceil" => Math.Ceiling(real * scale) / scale,
            "floor" => Math.Floor(real * scale) / scale,
            _ => throw new TemplateFaultException(
                $"round: 'method' must be 'common', 'ceil' or 'floor', but is '{method}'"
            ),
        };
    }

    private static bool TryReal(string text, out double number) =>
        double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out number);
}
