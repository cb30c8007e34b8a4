using Ppsd.Host.Generation;
using Ppsd.Host.Terminal;

namespace Ppsd.Tests.Host.Terminal;

/// <summary>What a terminal shows after the view's output, by a terminal of a few lines of code.</summary>
public sealed class DraftStreamViewTests
{
    [Test]
    public void Drafts_follow_the_text_and_are_gone_when_it_is_complete()
    {
        var screen = new Screen(40);
        var view = new DraftStreamView(screen, () => 40);
        view.Add("The cat");
        view.ShowDrafts(Run(" sat", " on", " the", " hat"));
        Assert.That(screen.Text, Is.EqualTo("The cat sat on the hat"));

        view.Add(" sat");
        Assert.That(screen.Text, Is.EqualTo("The cat sat"));

        view.ShowDrafts(Run(" on"));
        view.ShowDrafts(Run());
        view.Complete();
        Assert.That(screen.Text, Is.EqualTo("The cat sat"));
    }

    [Test]
    public void Drafts_end_at_the_end_of_the_line_so_that_erasing_never_climbs()
    {
        var screen = new Screen(12);
        var view = new DraftStreamView(screen, () => 12);
        view.Add("0123456789");
        view.ShowDrafts(Run("abcdef"));

        Assert.That(screen.Text, Is.EqualTo("0123456789a"));
        view.Add("x");
        Assert.That(screen.Text, Is.EqualTo("0123456789x"));
    }

    [Test]
    public void Drafts_stop_at_a_line_break()
    {
        var screen = new Screen(40);
        var view = new DraftStreamView(screen, () => 40);
        view.Add("a\nb");
        view.ShowDrafts(Run("cd\nef"));

        Assert.That(screen.Text, Is.EqualTo("bcd"));
    }

    [Test]
    public void What_a_verdict_has_rejected_is_seen_behind_the_next_drafts_and_gone_with_the_next_verdict()
    {
        var screen = new Screen(60);
        var view = new DraftStreamView(screen, () => 60, hasColours: false);
        view.Add("The cat");
        view.ShowDrafts(Run(" sat", " on", " a"));
        view.Add(" sat in");
        Assert.That(screen.Text, Is.EqualTo("The cat sat in"));

        view.ShowDrafts(Run(" the", " hat"));
        Assert.That(screen.Text, Is.EqualTo("The cat sat in[ the hat] [- on a-]"));

        view.Add(" the");
        view.ShowDrafts(Run(" hat"));
        Assert.That(screen.Text, Is.EqualTo("The cat sat in the[ hat]"));
    }

    [TestCase("", " sat on", "")]
    [TestCase(" sat", " on", "")]
    [TestCase(" sat on", "", "")]
    [TestCase(" sat on the", "", "")]
    [TestCase(" s", "at on", "")]
    [TestCase(" sat in", "", " on")]
    [TestCase(" was", "", " sat on")]
    public void A_verdict_keeps_what_follows_it_and_rejects_what_does_not(string text, string left, string rejected)
    {
        var (kept, gone) = DraftStreamView.Judge(Run(" sat", " on"), text);

        Assert.That((kept.Text, gone), Is.EqualTo((left, rejected)));
        Assert.That(string.Concat(kept.Pieces), Is.EqualTo(left));
    }

    private static DraftTextChanged Run(params string[] pieces) => new(string.Concat(pieces), pieces, []);

    /// <summary>One line of a terminal that knows what the view uses.</summary>
    private sealed class Screen(int width) : StringWriter
    {
        private readonly char[] _cells = new char[width + 1];
        private int _column;
        private int _end;

        public string Text => new(_cells, 0, _end);

        public override void Write(string? value)
        {
            for (var i = 0; i < value!.Length; i++)
            {
                if (value[i] == '\u001b')
                {
                    var command = i + 2;
                    while (!char.IsLetter(value[command]))
                    {
                        command++;
                    }

                    Execute(value[command], value[(i + 2)..command]);
                    i = command;
                }
                else if (value[i] == '\n')
                {
                    (_column, _end) = (0, 0);
                }
                else
                {
                    Assert.That(_column, Is.LessThan(width), "the line wraps");
                    _cells[_column++] = value[i];
                    _end = Math.Max(_end, _column);
                }
            }
        }

        public override void WriteLine() { }

        private void Execute(char command, string argument)
        {
            switch (command)
            {
                case 'D':
                    _column -= int.Parse(argument);
                    break;
                case 'K':
                    _end = _column;
                    break;
                default:
                    Assert.That(command, Is.EqualTo('m'));
                    break;
            }
        }
    }
}
