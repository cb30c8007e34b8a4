using System.Text;
using Ppsd.Host.Generation;

namespace Ppsd.Host.Terminal;

/// <summary>
/// Drafts as the rest of a terminal's line shows them: those that may follow one another as a run, others for a place beside it as
/// <c>a|b</c>, and behind the run what was rejected last. Pure.
/// </summary>
/// <remarks>
/// With colours the run is yellow, others are faint, and what was rejected is faint and struck through. Without, the run is in
/// square brackets, a place with others in round ones, and what was rejected in <c>[-…-]</c>.
/// </remarks>
internal static class DraftLine
{
    /// <summary>Others shown for a place; more are a sign.</summary>
    private const int MaxOthers = 3;

    private const string RunColour = "\u001b[33m";
    private const string Faint = "\u001b[2m";
    private const string Struck = "\u001b[2;9m";
    private const string Plain = "\u001b[0m";

    /// <summary>A line of drafts.</summary>
    /// <param name="drafts">The drafts; shown up to the first control character, as a line break is.</param>
    /// <param name="rejected">What the last verdict has rejected; may be empty.</param>
    /// <param name="room">Columns there are.</param>
    /// <param name="hasColours">False for a terminal without colours.</param>
    public static PaintedLine Paint(DraftTextChanged drafts, string rejected, int room, bool hasColours)
    {
        var segments = Segments(drafts, hasColours);
        if (Printable(rejected, out _) is { Length: > 0 } tail)
        {
            var gap = segments.Count > 0 ? " " : "";
            segments.Add(hasColours ? new Segment(gap, Plain) : new Segment($"{gap}[-", ""));
            segments.Add(new Segment(tail, hasColours ? Struck : ""));
            segments.Add(new Segment(hasColours ? "" : "-]", ""));
        }

        return Cut(segments, room);
    }

    private static List<Segment> Segments(DraftTextChanged drafts, bool hasColours)
    {
        var (run, others) = hasColours ? (RunColour, Faint) : ("", "");
        var segments = new List<Segment>();
        if (drafts.Others.Count == 0)
        {
            // Characters that a border between tokens cuts are whole in the text.
            segments.Add(new Segment(Printable(drafts.Text, out _), run));
        }

        for (var i = 0; i < drafts.Pieces.Count && drafts.Others.Count > 0; i++)
        {
            var piece = Printable(drafts.Pieces[i], out var isWhole);
            var beside = drafts.OthersAt(i);
            if (beside.Count == 0 || !isWhole)
            {
                segments.Add(new Segment(piece, run));
            }
            else
            {
                AddPlace(segments, piece, beside, run, others, hasColours);
            }

            if (!isWhole)
            {
                break;
            }
        }

        segments.RemoveAll(segment => segment.Text.Length == 0);
        if (!hasColours && segments.Count > 0)
        {
            segments.Insert(0, new Segment("[", ""));
            segments.Add(new Segment("]", ""));
        }

        return segments;
    }

    private static void AddPlace(
        List<Segment> segments,
        string piece,
        IReadOnlyList<string> others,
        string run,
        string faint,
        bool hasColours
    )
    {
        // A blank that all begin with stands before them once; else it is shown as a sign where it is.
        var haveBlank = piece.StartsWith(' ') && others.All(other => other.StartsWith(' '));
        var shown = others.Take(MaxOthers).Select(Word).ToList();
        if (others.Count > MaxOthers)
        {
            shown.Add("…");
        }

        segments.Add(new Segment($"{(haveBlank ? " " : "")}{(hasColours ? "" : "(")}", run));
        segments.Add(new Segment(Word(piece), run));
        segments.Add(new Segment($"|{string.Join('|', shown)}{(hasColours ? "" : ")")}", faint));

        string Word(string text)
        {
            var word =
                haveBlank ? text[1..]
                : text.StartsWith(' ') ? $"␣{text[1..]}"
                : text;
            var printed = new StringBuilder();
            foreach (var rune in word.EnumerateRunes())
            {
                printed.Append(Rune.IsControl(rune) ? "↵" : rune.ToString());
            }

            return printed.Length == 0 ? "␣" : printed.ToString();
        }
    }

    private static string Printable(string text, out bool isWhole)
    {
        var end = 0;
        foreach (var rune in text.EnumerateRunes())
        {
            if (Rune.IsControl(rune))
            {
                break;
            }

            end += rune.Utf16SequenceLength;
        }

        isWhole = end == text.Length;
        return text[..end];
    }

    private static PaintedLine Cut(List<Segment> segments, int room)
    {
        var text = new StringBuilder();
        var used = 0;
        foreach (var (words, style) in segments)
        {
            var part = new StringBuilder();
            var isCut = false;
            foreach (var rune in words.EnumerateRunes())
            {
                var columns = TerminalColumns.Of(rune);
                isCut = used + columns > room;
                if (isCut)
                {
                    break;
                }

                part.Append(rune);
                used += columns;
            }

            if (part.Length > 0)
            {
                text.Append(style.Length > 0 ? $"{style}{part}{Plain}" : part);
            }

            if (isCut)
            {
                break;
            }
        }

        return new PaintedLine(text.ToString(), used);
    }

    private readonly record struct Segment(string Text, string Style);
}

/// <summary>A line with its colours.</summary>
/// <param name="Text">What a terminal is sent.</param>
/// <param name="Columns">Columns it takes.</param>
internal readonly record struct PaintedLine(string Text, int Columns);
