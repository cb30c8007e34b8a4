using System.Text.Json.Nodes;
using Ppsd.Host.Text;
using Ppsd.Host.Text.ByteLevel;
using Ppsd.Host.Text.Tokens;

namespace Ppsd.Tests.Host.Text;

public class ByteLevelRefusalTests
{
    [Test]
    public void What_would_change_the_ids_is_refused_by_name()
    {
        AssertRefused(
            Set("normalizer", """{"type": "Lowercase"}"""),
            "normalizer: found Lowercase; supported: none, NFC"
        );
        AssertRefused(
            Set("normalizer", """{"type": "Sequence", "normalizers": [{"type": "NFC"}, {"type": "Strip"}]}"""),
            "normalizer: found Strip; supported: none, NFC"
        );
        AssertRefused(
            Set("post_processor", """{"type": "RobertaProcessing"}"""),
            "post_processor: found RobertaProcessing; supported: TemplateProcessing, ByteLevel"
        );
        AssertRefused(SetModel("dropout", "0.5"), "model.dropout: found 0.5; supported: none");
        AssertRefused(
            SetModel("end_of_word_suffix", "\"@@\""),
            "model.end_of_word_suffix: found \"@@\"; supported: none"
        );
        AssertRefused(
            SetModel("byte_fallback", "true"),
            "model.byte_fallback: found true; supported: false for a byte-level tokenizer"
        );
        AssertRefused(SetModel("merges", "[7]"), "model.merges: found 7; supported: \"a b\" or [\"a\", \"b\"]");
        AssertRefused(SetModel("merges", "null"), "model.merges: found nothing; supported: a list");
        AssertRefused(
            json => json["added_tokens"]![0]!["single_word"] = true,
            "added token '<|begin_of_text|>': single_word: found true; supported: false"
        );
        AssertRefused(
            SetModel("vocab", """{"<s>": 0}"""),
            "model.vocab: found no piece for any byte; supported: byte-level BPE"
        );
        AssertRefused(
            json => json["model"]!["vocab"]!["a"] = -7,
            "model.vocab: found -7; supported: a token id from 0 to 16777215"
        );
    }

    [Test]
    public void Word_splitting_that_is_unknown_is_refused_by_name()
    {
        AssertSplitRefused(
            """{"type": "Punctuation"}""",
            "pre_tokenizer: found Punctuation; supported: Split, Digits, ByteLevel"
        );
        AssertSplitRefused(
            """{"type": "Split", "pattern": {"Regex": "a"}, "behavior": "Swapped"}""",
            "pre_tokenizer.behavior: found 'Swapped'; supported: Isolated, Removed, MergedWithPrevious, MergedWithNext, Contiguous"
        );
        AssertSplitRefused(
            """{"type": "Split", "pattern": {}, "behavior": "Isolated"}""",
            "pre_tokenizer.pattern: found {}; supported: Regex or String"
        );
        AssertSplitRefused("""{"type": "Split", "pattern": {"Regex": "\\p{Klingon}"}, "behavior": "Isolated"}""", null);
        AssertRefused(
            Set(
                "pre_tokenizer",
                """{"type": "Sequence", "pretokenizers": [{"type": "ByteLevel"}, {"type": "Digits"}]}"""
            ),
            "pre_tokenizer: found Digits after ByteLevel; supported: ByteLevel last"
        );
        AssertRefused(
            Set(
                "pre_tokenizer",
                """{"type": "Sequence", "pretokenizers": [{"type": "Digits"}, {"type": "ByteLevel"}]}"""
            ),
            "pre_tokenizer.add_prefix_space: found true after another step; supported: false, or ByteLevel alone"
        );
    }

    [TestCase(@"\xZZ", @"found '\xZZ'; supported: \xHH up to 7F, \x{H...} and \uHHHH of Unicode characters")]
    [TestCase(@"a[\x{110000}]", @"found '\x{110000}]'; supported: \xHH up to 7F, \x{H...} and \uHHHH of")]
    [TestCase(@"\u{10400}", @"found '\u{104'; supported: \xHH up to 7F, \x{H...} and \uHHHH of Unicode")]
    [TestCase(@"\ud801", @"found '\ud801'; supported: \xHH up to 7F")]
    [TestCase(@"\xE9", @"found '\xE9'; supported: \xHH up to 7F")]
    [TestCase("[[:punct:]]", "found [:punct:]; supported: [:alnum:], [:alpha:], ")]
    [TestCase("[z-a]", "found a range from U+007A down to U+0061; supported: ranges that ascend")]
    [TestCase("[a", "found a class that does not end; supported: a ] behind each [")]
    [TestCase(@"a\K", @"found \K; supported: escapes that .NET has too")]
    [TestCase(@"[\R]", @"found \R in a class; supported: ")]
    [TestCase(@"a\", @"found its end behind a \; supported: a character there")]
    public void A_pattern_that_cannot_be_read_is_refused_with_what_was_found(string pattern, string message)
    {
        var step = new JsonObject
        {
            ["type"] = "Split",
            ["pattern"] = new JsonObject { ["Regex"] = pattern },
            ["behavior"] = "Isolated",
        };
        using var folder = ModelFolder.Llama3With(
            Set("pre_tokenizer", $$"""{"pretokenizers": [{{step.ToJsonString()}}, {"type": "ByteLevel"}]}""")
        );
        Assert.That(
            () => TokenizerLoader.Load(folder.Path),
            Throws
                .TypeOf<TextException>()
                .With.Message.StartsWith($"{folder.Path}/tokenizer.json: pre_tokenizer.pattern: '{pattern}': {message}")
        );
    }

    [Test]
    public void A_section_without_a_type_is_quoted()
    {
        AssertRefused(Set("post_processor", "5"), "post_processor: found 5; supported: TemplateProcessing, ByteLevel");
        AssertRefused(Set("normalizer", "true"), "normalizer: found true; supported: none, NFC");
        AssertRefused(
            json => json["added_tokens"]![0]!["id"] = int.MaxValue,
            "added token '<|begin_of_text|>': id: found 2147483647; supported: a token id from 0 to 16777215"
        );
    }

    [Test]
    public void Merges_of_unknown_pieces_are_refused()
    {
        AssertRefused(
            SetModel("merges", """["zz qq"]"""),
            "model.merges: found \"zz qq\" without a piece 'qq' in model.vocab; supported: merges of pieces into pieces"
        );
        AssertRefused(
            SetModel("merges", """[["q", "z"]]"""),
            "without a piece 'qz' in model.vocab; supported: merges of pieces into pieces"
        );
        AssertRefused(SetModel("merges", """["a b c"]"""), "supported: \"a b\" or [\"a\", \"b\"]");
    }

    [Test]
    public void A_text_with_a_byte_that_has_no_piece_is_refused_and_other_texts_are_not()
    {
        // 0x00 and bytes that UTF-8 never has: vocabularies of today's models lack some of them.
        using var folder = ModelFolder.Llama3With(json =>
        {
            foreach (var value in (ReadOnlySpan<byte>)[0x00, 0xC0, 0xFF])
            {
                json["model"]!["vocab"]!.AsObject().Remove(ByteLevelAlphabet.CharOf(value).ToString());
            }
        });
        var tokenizer = TokenizerLoader.Load(folder.Path);
        var whole = TokenizerLoader.Load(TextTestData.TinyLlama3);
        Assert.That(tokenizer.Encode("Hello 🙂 ÿ"), Is.EqualTo(whole.Encode("Hello 🙂 ÿ")));
        Assert.That(
            () => tokenizer.Encode("a\0b"),
            Throws
                .TypeOf<TextException>()
                .With.Message.EqualTo(
                    $"the text holds the byte 0x00, for which the vocabulary of {folder.Path}/tokenizer.json has no piece"
                )
        );
    }

    private static Action<JsonObject> Set(string section, string value) =>
        json => json[section] = JsonNode.Parse(value);

    private static Action<JsonObject> SetModel(string field, string value) =>
        json => json["model"]![field] = JsonNode.Parse(value);

    private static void AssertSplitRefused(string step, string? message) =>
        AssertRefused(
            Set(
                "pre_tokenizer",
                $$"""{"pretokenizers": [{{step}}, {"type": "ByteLevel", "add_prefix_space": false}]}"""
            ),
            message
        );

    private static void AssertRefused(Action<JsonObject> change, string? message)
    {
        using var folder = ModelFolder.Llama3With(change);
        var path = Path.Combine(folder.Path, "tokenizer.json");
        Assert.That(
            () => TokenizerLoader.Load(folder.Path),
            Throws.TypeOf<TextException>().With.Message.StartsWith($"{path}: ").And.Message.EndsWith(message ?? "")
        );
    }
}
