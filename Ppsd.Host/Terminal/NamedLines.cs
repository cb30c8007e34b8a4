using System.Text;

namespace Ppsd.Host.Terminal;

/// <summary>Figures with their names before them, wrapped between words so that the names stay a column. Pure.</summary>
/// <param name="columns">Columns of the terminal; null for lines that are never wrapped.</param>
/// <param name="hasColours">True to print the names in grey.</param>
internal sealed class NamedLines(int? columns, bool hasColours)
{
    /// <summary>Columns of a name and the blanks behind it.</summary>
    private const int Indent = 14;

    private const string Grey = "\u001b[90m";
    private const string Plain = "\u001b[0m";

    /// <summary>The lines of one figure, each with its end.</summary>
    public string Of(string name, string value)
    {
        var text = new StringBuilder();
        var padded = name.PadRight(Indent);
        text.Append(hasColours && name.Length > 0 ? $"{Grey}{padded}{Plain}" : padded);
        var room = Math.Max(1, (columns ?? int.MaxValue) - Indent);
        var used = 0;
        foreach (var word in value.Split(' '))
        {
            if (used > 0 && used + 1 + word.Length > room)
            {
                text.Append('\n').Append(' ', Indent);
                used = 0;
            }
            else if (used > 0 || word.Length == 0)
            {
                text.Append(' ');
                used++;
            }

            text.Append(word);
            used += word.Length;
        }

        return text.Append('\n').ToString();
    }
}
