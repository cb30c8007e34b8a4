using System.Globalization;
using System.Text.Json;
using Ppsd.Host.Text.ByteLevel;
using Ppsd.Host.Text.Tokens;

namespace Ppsd.Tests.Host.Text;

public class WordSplitterTests
{
    private const string Llama3 =
        @"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"
        + @"|\s*[\r\n]+|\s+(?!\S)|\s+";

    [Test]
    public void Words_are_cut_as_the_pattern_says()
    {
        Assert.That(Split(Isolated(Llama3), "Hello world"), Is.EqualTo("Hello| world"));
        Assert.That(Split(Isolated(Llama3), "it's 12345  a\n\n b!\n"), Is.EqualTo("it|'s| |123|45| | a|\n\n| b|!\n"));
    }

    [Test]
    public void Characters_beyond_the_basic_plane_are_matched_whole_by_their_category()
    {
        // "𠮷" is a letter and joins the letters after it; "🙂" is a symbol, which may stand before letters.
        Assert.That(Split(Isolated(Llama3), "𠮷野"), Is.EqualTo("𠮷野"));
        Assert.That(Split(Isolated(Llama3), "🙂abc🙂!"), Is.EqualTo("🙂abc|🙂!"));
        Assert.That(Split(Isolated(Llama3), "𝟏𝟐𝟑𝟒"), Is.EqualTo("𝟏𝟐𝟑|𝟒"));
    }

    [Test]
    public void Every_category_beyond_the_basic_plane_has_a_stand_in_of_that_category()
    {
        var wrong = Enumerable
            .Range(0x10000, 0x100000)
            .Select(char.ConvertFromUtf32)
            .Where(text => CategoryOf(CategoryProjection.Of(text).Text) != CategoryOf(text));
        Assert.That(wrong, Is.Empty);

        static UnicodeCategory CategoryOf(string text) => CharUnicodeInfo.GetUnicodeCategory(text, 0);
    }

    [Test]
    public void Digits_stand_alone_or_together()
    {
        Assert.That(Split("""{"type": "Digits", "individual_digits": true}""", "ab12c"), Is.EqualTo("ab|1|2|c"));
        Assert.That(Split("""{"type": "Digits", "individual_digits": false}""", "ab12c"), Is.EqualTo("ab|12|c"));
    }

    [Test]
    public void Matches_or_gaps_may_be_removed()
    {
        Assert.That(Split(Removed("x+", invert: "false"), "axxb"), Is.EqualTo("a|b"));
        Assert.That(Split(Removed("x+", invert: "true"), "axxb"), Is.EqualTo("xx"));
    }

    [Test]
    public void A_literal_pattern_matches_itself() =>
        Assert.That(
            Split("""{"type": "Split", "pattern": {"String": "."}, "behavior": "Isolated"}""", "a.b"),
            Is.EqualTo("a|.|b")
        );

    [Test]
    public void Byte_level_alone_cuts_as_GPT_2_did() =>
        Assert.That(
            Split("", "it's 123  a\n\nb", """{"type": "ByteLevel", "add_prefix_space": false}"""),
            Is.EqualTo("it|'s| 123| | a|\n|\n|b")
        );

    [Test]
    public void Steps_follow_one_another_and_do_not_see_beyond_their_word()
    {
        // The second step's look-ahead must not see the "b" that the first step cut off.
        var steps = $"""{Isolated("b")}, {Isolated("a(?!b)")}""";
        Assert.That(Split(steps, "aab"), Is.EqualTo("a|a|b"));
    }

    [Test]
    public void A_pattern_that_backtracks_for_ever_ends_in_an_error() =>
        Assert.That(
            () => Split(Isolated("(?:a|a?)+(?:a|a?)+(?:a|a?)+b"), new string('a', 3000)),
            Throws
                .TypeOf<TextException>()
                .With.Message.EndsWith("pre_tokenizer: the pattern takes too long on this text")
        );

    private static string Isolated(string pattern) =>
        $$"""{"type": "Split", "pattern": {"Regex": {{JsonSerializer.Serialize(pattern)}} }, "behavior": "Isolated"}""";

    private static string Removed(string pattern, string invert) =>
        $$"""{"type": "Split", "pattern": {"Regex": "{{pattern}}" }, "behavior": "Removed", "invert": {{invert}} }""";

    private static string Split(
        string steps,
        string text,
        string last = """{"type": "ByteLevel", "add_prefix_space": false, "use_regex": false}"""
    )
    {
        using var folder = new ModelFolder();
        var all = steps.Length == 0 ? last : $"{steps}, {last}";
        folder.Write("tokenizer.json", $$"""{"pre_tokenizer": {"type": "Sequence", "pretokenizers": [{{all}}]} }""");
        using var file = JsonFile.Open(Path.Combine(folder.Path, "tokenizer.json"));
        var splitter = new WordSplitterReader(file) { MatchTimeout = TimeSpan.FromMilliseconds(200) }.Read();
        return string.Join('|', splitter.Split(text).Select(word => text.Substring(word.Start, word.Length)));
    }
}
