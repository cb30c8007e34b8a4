using System.Globalization;
using Ppsd.Host.Text.ChatTemplates.Values;

namespace Ppsd.Host.Text.ChatTemplates.Functions;

/// <summary>The filters int, float and abs.</summary>
internal static class NumberFilters
{
    private const NumberStyles IntegerStyle =
        NumberStyles.AllowLeadingSign | NumberStyles.AllowLeadingWhite | NumberStyles.AllowTrailingWhite;

    /// <summary>int: the number without its fraction, or the default (0) for what is no number.</summary>
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

    /// <summary>float: the number as a real one, or the default (0.0) for what is no number.</summary>
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
    /// <exception cref="TemplateFaultException">The value is no number.</exception>
    public static object Absolute(object? input) =>
        PythonNumbers.From(Operators.Defined(input)) switch
        {
            long number and not long.MinValue => (object)Math.Abs(number), // uncast, it would become a double
            double number => Math.Abs(number),
            _ => throw new TemplateFaultException($"abs does not apply to {ValueNames.Of(input)}"),
        };

    private static bool TryReal(string text, out double number) =>
        double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out number);
}
