using System.Text;
using Ppsd.Host.Generation;

namespace Ppsd.Host.Terminal;

/// <summary>
/// Text as it is decoded, on a terminal: verified text stays, drafts follow it (<see cref="DraftLine"/>) and are erased when they
/// vanish; what the last verdict has rejected is seen until the next. Drafts are shown up to the end of the line only, so erasing
/// never has to climb over a wrapped line.
/// </summary>
/// <param name="width">Its columns, asked for at each change: windows are resized.</param>
/// <param name="hasColours">False for a terminal without colours.</param>
internal sealed class DraftStreamView(TextWriter output, Func<int> width, bool hasColours = true)
{
    private const string EraseToEndOfLine = "\u001b[K";

    private static readonly DraftTextChanged _none = new("", [], []);

    private int _column;
    private bool _draftsShown;
    private DraftTextChanged _drafts = _none;
    private string _rejected = "";

    /// <summary>Adds verified text, in place of what followed; the next drafts come with what it rejects.</summary>
    public void Add(string text)
    {
        Erase();
        output.Write(text);
        foreach (var rune in text.EnumerateRunes())
        {
            Advance(rune);
        }

        (_drafts, _rejected) = Judge(_drafts, text);
        output.Flush();
    }

    /// <summary>Shows these drafts after the verified text, instead of those shown before.</summary>
    public void ShowDrafts(DraftTextChanged drafts)
    {
        Erase();
        _drafts = drafts;
        var line = DraftLine.Paint(drafts, _rejected, width() - _column - 1, hasColours);
        if (line.Columns > 0)
        {
            output.Write($"{line.Text}\u001b[{line.Columns}D");
            _draftsShown = true;
        }

        output.Flush();
    }

    /// <summary>Erases drafts and ends the line.</summary>
    public void Complete()
    {
        Erase();
        output.WriteLine();
        output.Flush();
    }

    /// <summary>What verified text leaves of the drafts before it, and the run that it rejects.</summary>
    public static (DraftTextChanged Left, string Rejected) Judge(DraftTextChanged drafts, string text)
    {
        var confirmed = 0;
        while (
            confirmed < drafts.Pieces.Count
            && text.Length > 0
            && drafts.Pieces[confirmed] is { Length: > 0 } piece
            && text.StartsWith(piece, StringComparison.Ordinal)
        )
        {
            text = text[piece.Length..];
            confirmed++;
        }

        string[] left = [.. drafts.Pieces.Skip(confirmed)];
        // Text that is held back, as that which may begin a stop string is, may end within a draft.
        return left.Length == 0 || left[0].StartsWith(text, StringComparison.Ordinal)
            ? (With(text, left, [.. drafts.Others.Skip(confirmed)]), "")
            : (_none, string.Concat(left));
    }

    private static DraftTextChanged With(string shown, string[] left, IReadOnlyList<IReadOnlyList<string>> others)
    {
        left = left.Length == 0 ? [] : [left[0][shown.Length..], .. left.Skip(1)];
        return new DraftTextChanged(string.Concat(left), left, others);
    }

    private void Erase()
    {
        if (_draftsShown)
        {
            output.Write(EraseToEndOfLine);
            _draftsShown = false;
        }
    }

    private void Advance(Rune rune)
    {
        if (rune.Value == '\n')
        {
            _column = 0;
            return;
        }

        var columns = TerminalColumns.Of(rune);
        _column += columns;
        if (_column >= width())
        {
            _column = columns * (_column > width() ? 1 : 0);
        }
    }
}
