using Ppsd.Host.Terminal;

namespace Ppsd.Tests.Host.Terminal;

public sealed class NamedLinesTests
{
    [Test]
    public void A_long_value_wraps_between_words_beside_its_name() =>
        Assert.That(
            new NamedLines(columns: 30, hasColours: false).Of("speed", "one two three four five six"),
            Is.EqualTo("speed         one two three\n              four five six\n")
        );

    [Test]
    public void A_word_longer_than_the_terminal_stands_alone() =>
        Assert.That(
            new NamedLines(columns: 20, hasColours: false).Of("x", "a long-long-long-word b"),
            Is.EqualTo("x             a\n              long-long-long-word\n              b\n")
        );

    [Test]
    public void Without_a_terminal_there_is_one_line_and_blanks_are_kept() =>
        Assert.That(
            new NamedLines(columns: null, hasColours: false).Of("stages busy", "83 %  42 %"),
            Is.EqualTo("stages busy   83 %  42 %\n")
        );

    [Test]
    public void A_name_is_grey_and_a_line_without_one_has_no_colour()
    {
        var lines = new NamedLines(columns: 80, hasColours: true);

        Assert.That(lines.Of("seed", "7"), Is.EqualTo("\u001b[90mseed          \u001b[0m7\n"));
        Assert.That(lines.Of("", "7"), Is.EqualTo("              7\n"));
    }
}
