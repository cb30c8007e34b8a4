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
            .Where(text => CategoryOf(CategoryProjection.Of(text, new StandIns([])).Text) != CategoryOf(text));
        Assert.That(wrong, Is.Empty);

        static UnicodeCategory CategoryOf(string text) => CharUnicodeInfo.GetUnicodeCategory(text, 0);
    }

    [TestCase("[🙂-🙄]+", "a🙂🙃b🙈", "a|🙂🙃|b🙈", Description = "a range")]
    [TestCase("🙂+", "a🙂🙂🙃", "a|🙂🙂|🙃", Description = "a character outside of a class")]
    [TestCase("[^🙂a]+", "a🙂b🙃𝐇", "a🙂|b🙃𝐇", Description = "a class of what is left")]
    [TestCase("[A-Z𐐀-𐐧]+", "ab𐐀𐐨C𐐁Z", "ab|𐐀|𐐨|C𐐁Z", Description = "capitals of two planes")]
    [TestCase("[￰-𐄀]+", "a￼𐀀𐄁", "a|￼𐀀|𐄁", Description = "a range from one plane into another")]
    [TestCase("[𐐀-𐐧𐒰-𐓓]", "𐐀𐒰𐒠", "𐐀|𐒰|𐒠", Description = "ranges of one category")]
    [TestCase(
        "[𐐀-𐐧]+",
        "aĀ𐐀Ё𐐁",
        "aĀ|𐐀|Ё|𐐁",
        Description = "a capital that stands in for others, in the text itself"
    )]
    [TestCase("[𐐀-𐐧]+", "aĀÂЁ", "aĀÂЁ", Description = "the same in a text of one plane")]
    public void Patterns_may_name_characters_beyond_the_basic_plane(string pattern, string text, string expected) =>
        Assert.That(Split(Isolated(pattern), text), Is.EqualTo(expected));

    [TestCaseSource(nameof(OnigurumaPatterns))]
    public void Patterns_mean_what_they_mean_to_Oniguruma(string pattern, string text, string[] words) =>
        Assert.That(
            Split(Isolated(pattern), text, timeout: TimeSpan.FromSeconds(60)),
            Is.EqualTo(string.Join('|', words)),
            OnigurumaPattern.ToNet(pattern)
        );

    [TestCase("MergedWithPrevious", "false", "a-|-|b-|c")]
    [TestCase("MergedWithNext", "false", "a|-|-b|-c")]
    [TestCase("MergedWithPrevious", "true", "a|-|-b|-c")]
    [TestCase("MergedWithNext", "true", "a-|-|b-|c")]
    [TestCase("Contiguous", "false", "a|--|b|-|c")]
    public void Matches_may_join_what_is_beside_them(string behavior, string invert, string expected) =>
        Assert.That(
            Split(
                $$"""{"type": "Split", "pattern": {"String": "-"}, "behavior": "{{behavior}}", "invert": {{invert}}}""",
                "a--b-c"
            ),
            Is.EqualTo(expected)
        );

    [Test]
    public void No_stand_in_falls_into_what_a_pattern_spells_out()
    {
        // DeepSeek-Coder's: letters by ranges that hold most of the plane's capitals, and CJK by a range of its own.
        var letters = "[A-Za-zµÀ-ÖØ-öø-ƺƼ-ƿǄ-ʓʕ-ʯͰ-ͳͶͷͻ-ͽͿΆΈ-ΊΌΎ-ΡΣ-ϵϷ-ҁҊ-ԯԱ-ՖႠ-ჅᎠ-Ᏽ𐐀-𐑏]+";
        Assert.That(Split(Isolated(letters), "𝐇e𐐀l"), Is.EqualTo("𝐇|e𐐀l"));
        Assert.That(Split(Isolated("[\u0080-\uD7FF]+"), "é𝐇𝐞🙂𠮷"), Is.EqualTo("é|𝐇𝐞🙂𠮷"));
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

    // Words that Oniguruma 6.9.8 itself cuts at matches of a pattern.
    private static IEnumerable<TestCaseData> OnigurumaPatterns()
    {
        using var document = JsonDocument.Parse(File.ReadAllBytes(TextTestData.Data("tokenizers", "oniguruma.json")));
        foreach (var entry in document.RootElement.EnumerateArray())
        {
            var pattern = entry.GetProperty("pattern").GetString();
            yield return new TestCaseData(
                pattern,
                entry.GetProperty("text").GetString(),
                entry.GetProperty("words").EnumerateArray().Select(word => word.GetString()).ToArray()
            ).SetArgDisplayNames(pattern!);
        }
    }

    private static string Isolated(string pattern) =>
        $$"""{"type": "Split", "pattern": {"Regex": {{JsonSerializer.Serialize(pattern)}} }, "behavior": "Isolated"}""";

    private static string Removed(string pattern, string invert) =>
        $$"""{"type": "Split", "pattern": {"Regex": "{{pattern}}" }, "behavior": "Removed", "invert": {{invert}} }""";

    private static string Split(
        string steps,
        string text,
        string last = """{"type": "ByteLevel", "add_prefix_space": false, "use_regex": false}""",
        TimeSpan? timeout = null
    )
    {
        using var folder = new ModelFolder();
        var all = steps.Length == 0 ? last : $"{steps}, {last}";
        folder.Write("tokenizer.json", $$"""{"pre_tokenizer": {"type": "Sequence", "pretokenizers": [{{all}}]} }""");
        using var file = JsonFile.Open(Path.Combine(folder.Path, "tokenizer.json"));
        var splitter = new WordSplitterReader(file) { MatchTimeout = timeout ?? TimeSpan.FromMilliseconds(200) }.Read();
        return string.Join('|', splitter.Split(text).Select(word => text.Substring(word.Start, word.Length)));
    }
}
