using System.Globalization;
using System.Text;
using Ppsd.Host.Text.ChatTemplates.Values;

namespace Ppsd.Host.Text.ChatTemplates.Functions;

/// <summary>Python's strftime in the C locale, as far as templates use it.</summary>
internal static class DateFormat
{
    /// <summary>Writes a time by a format such as "%d %b %Y".</summary>
    /// <exception cref="TemplateFaultException">A directive is not supported.</exception>
    public static string Format(DateTimeOffset time, string format)
    {
        var result = new StringBuilder();
        for (var i = 0; i < format.Length; i++)
        {
            if (format[i] != '%' || i + 1 == format.Length)
            {
                result.Append(format[i]);
                continue;
            }

            // "%-d" is the number without its leading zero.
            var trimsZero = format[i + 1] == '-' && i + 2 < format.Length;
            i += trimsZero ? 2 : 1;
            var field = Field(time, format[i]);
            result.Append(trimsZero && field.Length > 1 ? field.TrimStart('0').PadLeft(1, '0') : field);
        }

        return result.ToString();
    }

    private static string Field(DateTimeOffset time, char directive)
    {
        return directive switch
        {
            'Y' => Text("yyyy"),
            'y' => Text("yy"),
            'm' => Text("MM"),
            'B' => Text("MMMM"),
            'b' or 'h' => Text("MMM"),
            'd' => Text("dd"),
            'e' => $"{time.Day, 2}",
            'j' => $"{time.DayOfYear:000}",
            'A' => Text("dddd"),
            'a' => Text("ddd"),
            'H' => Text("HH"),
            'I' => Text("hh"),
            'p' => Text("tt"),
            'M' => Text("mm"),
            'S' => Text("ss"),
            'f' => Text("ffffff"),
            'w' => $"{(int)time.DayOfWeek}",
            'z' => Text("zzz").Replace(":", ""),
            'F' => Text("yyyy-MM-dd"),
            'T' => Text("HH:mm:ss"),
            'D' => Text("MM/dd/yy"),
            'R' => Text("HH:mm"),
            'n' => "\n",
            't' => "\t",
            '%' => "%",
            _ => throw new TemplateFaultException($"strftime_now: the directive '%{directive}' is not supported"),
        };

        string Text(string pattern) => time.ToString(pattern, CultureInfo.InvariantCulture);
    }
}
