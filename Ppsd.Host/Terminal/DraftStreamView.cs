using System.Text;

namespace Ppsd.Host.Terminal;

/// <summary>
/// Text as it is decoded, on a terminal: verified text stays, drafts follow it in colour and are erased when they vanish.
/// Drafts are shown up to the end of the line only, so erasing never has to climb over a wrapped line.
/// </summary>
/// <param name="width">Its columns, asked for at each change: windows are resized.</param>
internal sealed class DraftStreamView(TextWriter output, Func<int> width)
{
    private const string DraftColour = "\u001b[33m";
    private const string Plain = "\u001b[0m";
    private const string EraseToEndOfLine = "\u001b[K";

    private int _column;
    private bool _draftsShown;

    /// <summary>Adds verified text.</summary>
    public void Add(string text)
    {
        EraseDrafts();
        output.Write(text);
        foreach (var rune in text.EnumerateRunes())
        {
            Advance(rune);
        }

        output.Flush();
    }

    /// <summary>Shows these drafts after the verified text, instead of those shown before.</summary>
    public void ShowDrafts(string drafts)
    {
        EraseDrafts();
        var visible = Visible(drafts);
        if (visible.Length > 0)
        {
            output.Write($"{DraftColour}{visible}{Plain}\u001b[{Columns(visible)}D");
            _draftsShown = true;
        }

        output.Flush();
    }

    /// <summary>Erases drafts and ends the line.</summary>
    public void Complete()
    {
        EraseDrafts();
        output.WriteLine();
        output.Flush();
    }

    private void EraseDrafts()
    {
        if (_draftsShown)
        {
            output.Write(EraseToEndOfLine);
            _draftsShown = false;
        }
    }

    private string Visible(string drafts)
    {
        var room = width() - _column - 1;
        var visible = new StringBuilder();
        foreach (var rune in drafts.EnumerateRunes())
        {
            room -= Columns(rune);
            if (room < 0 || Rune.IsControl(rune))
            {
                break;
            }

            visible.Append(rune);
        }

        return visible.ToString();
    }

    private void Advance(Rune rune)
    {
        if (rune.Value == '\n')
        {
            _column = 0;
            return;
        }

        _column += Columns(rune);
        if (_column >= width())
        {
            _column = Columns(rune) * (_column > width() ? 1 : 0);
        }
    }

    private static int Columns(string text) => text.EnumerateRunes().Sum(Columns);

    /// <summary>Columns of a character; wide ones are East Asian scripts and pictographs (UAX #11).</summary>
    private static int Columns(Rune rune) =>
        rune.Value switch
        {
            < 0x20 => 0,
            < 0x1100 => 1,
            <= 0x115F or (>= 0x2E80 and <= 0xA4CF) or (>= 0xAC00 and <= 0xD7A3) => 2,
            (>= 0xF900 and <= 0xFAFF) or (>= 0xFE30 and <= 0xFE6F) or (>= 0xFF00 and <= 0xFF60) => 2,
            >= 0x1F300 and <= 0x1FAFF => 2,
            >= 0x20000 and <= 0x3FFFD => 2,
            _ => 1,
        };
}
