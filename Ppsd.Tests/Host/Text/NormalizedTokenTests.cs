using System.Text.Json.Nodes;
using Ppsd.Host.Text;

namespace Ppsd.Tests.Host.Text;

/// <summary>
/// Added tokens that are found in the text as normalized, against the ids of Hugging Face's tokenizers (Tokenizers.DotNet
/// 1.4.1): a normalizer that prepends a space prepends it to their spelling too, so in the midst of a word they are not found.
/// </summary>
public sealed class NormalizedTokenTests
{
    [TestCase("bpe-prepend", "<tool>", 1, 283)]
    [TestCase("bpe-prepend", "a <tool> b", 1, 269, 283, 270)]
    [TestCase("bpe-prepend", "a<tool>b", 1, 269, 63, 267, 266, 266, 265, 65, 261)]
    [TestCase("bpe-prepend", "  <tool>the <tool>hello", 1, 279, 283, 267, 271, 283, 274)]
    [TestCase("unigram", "<tool>", 1, 281)]
    [TestCase("unigram", "a <tool> b", 1, 268, 281, 259, 261)]
    [TestCase("unigram", "a<tool>b", 1, 268, 63, 266, 265, 265, 264, 65, 261)]
    [TestCase("unigram", "  <tool>the <tool>hello", 1, 279, 281, 276, 281, 273)]
    public void Ids_are_those_of_the_reference(string file, string text, params int[] ids)
    {
        using var folder = Folder(file);
        Assert.That(TokenizerLoader.Load(folder.Path).Encode(text), Is.EqualTo(ids));
    }

    [Test]
    public void What_tokenizer_config_says_of_a_token_counts_as_in_transformers()
    {
        using var folder = Folder("bpe-prepend");
        folder.Write(
            "tokenizer_config.json",
            """{"added_tokens_decoder": {"283": {"content": "<tool>", "normalized": false, "special": false}}}"""
        );
        Assert.That(TokenizerLoader.Load(folder.Path).Encode("a<tool>"), Is.EqualTo(TextTestData.Ids(1, 269, 283)));
    }

    [Test]
    public void A_composed_token_is_found_however_the_text_spells_it()
    {
        using var folder = ModelFolder.Llama3With(json =>
        {
            json["normalizer"] = JsonNode.Parse("""{"type": "NFC"}""");
            json["added_tokens"]!
                .AsArray()
                .Add(JsonNode.Parse("""{"id": 2047, "content": "zé", "normalized": true, "special": false}"""));
        });
        Assert.That(
            TokenizerLoader.Load(folder.Path).EncodeRendered("ze\u0301 zé"),
            Is.EqualTo(TextTestData.Ids(2047, 220, 2047))
        );
    }

    private static ModelFolder Folder(string file)
    {
        var folder = new ModelFolder();
        var root = JsonNode.Parse(File.ReadAllText(TextTestData.Data("tokenizers", $"{file}.json")))!.AsObject();
        foreach (var token in root["added_tokens"]!.AsArray().Where(token => (string?)token!["content"] == "<tool>"))
        {
            token!["normalized"] = true;
        }

        folder.Write("tokenizer.json", root.ToJsonString());
        return folder;
    }
}
