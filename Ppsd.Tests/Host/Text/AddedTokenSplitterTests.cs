using Ppsd.Host.Text.Tokens;

namespace Ppsd.Tests.Host.Text;

public class AddedTokenSplitterTests
{
    [Test]
    public void The_leftmost_token_comes_first_and_of_two_at_one_place_the_longest()
    {
        Assert.That(
            Split("x<a><ab>", new AddedToken(1, "<a", false), new AddedToken(2, "<ab>", false)),
            Is.EqualTo("x 1 > 2")
        );
        Assert.That(Split("abc", new AddedToken(1, "bc", false), new AddedToken(2, "ab", false)), Is.EqualTo("2 c"));
        Assert.That(Split("aaa", new AddedToken(1, "aa", false)), Is.EqualTo("1 a"));
    }

    [Test]
    public void A_token_swallows_white_space_on_the_sides_it_asks_for()
    {
        var left = new AddedToken(1, "<l>", false, LeftStrip: true);
        var right = new AddedToken(2, "<r>", false, RightStrip: true);
        Assert.That(Split("a \n<l> b", left, right), Is.EqualTo("a 1  b"));
        Assert.That(Split("a <r> \nb", left, right), Is.EqualTo("a  2 b"));
        Assert.That(Split(" <r> <l> ", left, right), Is.EqualTo("  2 1  "));
    }

    [Test]
    public void Text_without_tokens_is_one_segment_and_no_text_none()
    {
        Assert.That(Split("abc"), Is.EqualTo("abc"));
        Assert.That(Split("", new AddedToken(1, "<a>", false)), Is.Empty);
        Assert.That(Split("<a><a>", new AddedToken(1, "<a>", false)), Is.EqualTo("1 1"));
    }

    [Test]
    public void Of_two_entries_with_one_spelling_the_first_counts() =>
        Assert.That(Split("<a>", new AddedToken(1, "<a>", false), new AddedToken(2, "<a>", true)), Is.EqualTo("1"));

    private static string Split(string text, params AddedToken[] tokens) =>
        string.Join(
            ' ',
            new AddedTokenSplitter(tokens)
                .Split(text)
                .Select(segment => segment.TokenId is { } id ? $"{id}" : text.Substring(segment.Start, segment.Length))
        );
}
