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
            """{"type": "Split", "pattern": {"Regex": "a"}, "behavior": "MergedWithNext"}""",
            "pre_tokenizer.behavior: found 'MergedWithNext'; supported: Isolated, Removed"
        );
        AssertSplitRefused(
            """{"type": "Split", "pattern": {}, "behavior": "Isolated"}""",
            "pre_tokenizer.pattern: found {}; supported: Regex or String"
        );
        AssertSplitRefused("""{"type": "Split", "pattern": {"Regex": "\\p{Han}"}, "behavior": "Isolated"}""", null);
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
