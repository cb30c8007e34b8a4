using Ppsd.Host.Generation;
using Ppsd.Host.Terminal;

namespace Ppsd.Tests.Host.Terminal;

/// <summary>How drafts read on a line, with colours and without.</summary>
public sealed class DraftLineTests
{
    private const string Run = "\u001b[33m";
    private const string Faint = "\u001b[2m";
    private const string Struck = "\u001b[2;9m";
    private const string End = "\u001b[0m";

    private static readonly DraftTextChanged _tree = Drafts((" sat", [" was", " is"]), (" on", []), (" the", [" a"]));

    [Test]
    public void Drafts_that_follow_one_another_are_a_run_with_others_beside_their_places()
    {
        var line = DraftLine.Paint(_tree, "", room: 80, hasColours: true);

        Assert.That(
            Plain(line.Text),
            Is.EqualTo(" sat|was|is on the|a"),
            "the blank that all begin with stands before them once"
        );
        Assert.That(line.Columns, Is.EqualTo(20));
        Assert.That(line.Text, Does.Contain($"{Run}sat{End}{Faint}|was|is{End}{Run} on{End}"));
    }

    [Test]
    public void Without_colours_brackets_say_the_same()
    {
        var line = DraftLine.Paint(_tree, " in here", room: 80, hasColours: false);

        Assert.That(line.Text, Is.EqualTo("[ (sat|was|is) on (the|a)] [- in here-]"));
        Assert.That(line.Columns, Is.EqualTo(line.Text.Length));
    }

    [Test]
    public void What_was_rejected_is_faint_and_struck_behind_the_run()
    {
        var line = DraftLine.Paint(Drafts((" sat", [])), " was on", room: 80, hasColours: true);

        Assert.That(Plain(line.Text), Is.EqualTo(" sat  was on"));
        Assert.That(line.Text, Does.EndWith($"{Struck} was on{End}"));
    }

    [Test]
    public void Without_drafts_there_is_nothing_but_what_was_rejected()
    {
        Assert.That(DraftLine.Paint(Drafts(), "", room: 80, hasColours: false), Is.EqualTo(new PaintedLine("", 0)));
        Assert.That(DraftLine.Paint(Drafts(), "", room: 80, hasColours: true), Is.EqualTo(new PaintedLine("", 0)));
        Assert.That(DraftLine.Paint(Drafts(), " x", room: 80, hasColours: false).Text, Is.EqualTo("[- x-]"));
        Assert.That(DraftLine.Paint(Drafts(), " x", room: 80, hasColours: true).Text, Is.EqualTo($"{Struck} x{End}"));
    }

    [Test]
    public void Where_only_some_begin_with_a_blank_it_is_shown_as_a_sign()
    {
        var line = DraftLine.Paint(Drafts((" sat", ["s", "\n", " "])), "", room: 80, hasColours: false);

        Assert.That(line.Text, Is.EqualTo("[(␣sat|s|↵|␣)]"));
    }

    [Test]
    public void Of_many_others_the_likeliest_three_are_shown()
    {
        var line = DraftLine.Paint(Drafts(("a", ["b", "c", "d", "e"])), "", room: 80, hasColours: false);

        Assert.That(line.Text, Is.EqualTo("[(a|b|c|d|…)]"));
    }

    [TestCase(0, "")]
    [TestCase(1, "[")]
    [TestCase(5, "[ (sa")]
    [TestCase(13, "[ (sat|was|is")]
    public void A_line_ends_where_its_room_does(int room, string expected)
    {
        var line = DraftLine.Paint(_tree, " in", room, hasColours: false);

        Assert.That(line, Is.EqualTo(new PaintedLine(expected, room)));
    }

    [Test]
    public void Characters_that_a_border_cuts_are_whole_in_a_run_without_others_and_wide_ones_take_two_columns()
    {
        var drafts = new DraftTextChanged("猫 sat", ["\uFFFD", "\uFFFD", " sat"], []);
        var line = DraftLine.Paint(drafts, "", room: 80, hasColours: false);

        Assert.That(line, Is.EqualTo(new PaintedLine("[猫 sat]", 8)));
    }

    [Test]
    public void A_run_ends_at_a_line_break()
    {
        var line = DraftLine.Paint(
            Drafts((" sat", [" was"]), (".\nThe", [" on"]), (" cat", [])),
            "",
            room: 80,
            hasColours: false
        );

        Assert.That(line.Text, Is.EqualTo("[ (sat|was).]"));
    }

    private static DraftTextChanged Drafts(params (string Piece, string[] Others)[] places) =>
        new(
            string.Concat(places.Select(place => place.Piece)),
            [.. places.Select(place => place.Piece)],
            [.. places.Select(place => place.Others)]
        );

    private static string Plain(string text)
    {
        foreach (var code in (string[])[Run, Faint, Struck, End])
        {
            text = text.Replace(code, "", StringComparison.Ordinal);
        }

        return text;
    }
}
