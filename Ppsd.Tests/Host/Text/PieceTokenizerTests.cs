using System.Text.Json;
using System.Text.Json.Nodes;
using Ppsd.Host.Text;
using Ppsd.Host.Text.Tokens;

namespace Ppsd.Tests.Host.Text;

/// <summary>
/// SentencePiece models that come only as tokenizer.json, against the ids of Hugging Face's tokenizers 0.23.2 (Data/tokenizers).
/// </summary>
public class PieceTokenizerTests
{
    private static IEnumerable<TestCaseData> Texts()
    {
        using var document = JsonDocument.Parse(File.ReadAllBytes(TextTestData.Data("tokenizers", "ids.json")));
        foreach (var file in document.RootElement.EnumerateObject())
        {
            foreach (var entry in file.Value.EnumerateArray())
            {
                yield return new TestCaseData(
                    file.Name,
                    entry.GetProperty("text").GetString(),
                    entry.GetProperty("ids").EnumerateArray().Select(id => id.GetInt32()).ToArray()
                );
            }
        }
    }

    [TestCaseSource(nameof(Texts))]
    public void Ids_are_those_of_the_reference(string file, string text, int[] ids)
    {
        using var folder = Folder(file);
        Assert.That(TokenizerLoader.Load(folder.Path).Encode(text), Is.EqualTo(ids));
    }

    [TestCase("bpe-prepend")]
    [TestCase("bpe-metaspace")]
    [TestCase("unigram")]
    public void Text_survives_encoding_and_decoding(string file)
    {
        using var folder = Folder(file);
        var tokenizer = TokenizerLoader.Load(folder.Path);
        var texts = new RandomText(seed: 9);
        for (var i = 0; i < 200; i++)
        {
            // The escaped space is a space to every such tokenizer.
            var text = texts.Next(30).Replace("<s>", "").Replace("</s>", "").Replace('\u2581', ' ');
            text = file == "bpe-metaspace" ? "x" + text : text; // a dummy space is not put before a space
            Assert.That(tokenizer.Decode(tokenizer.Encode(text)), Is.EqualTo(text));
        }
    }

    [Test]
    public void It_wins_over_a_tokenizer_model_beside_it_as_in_transformers()
    {
        using var folder = Folder("bpe-prepend");
        var alone = TokenizerLoader.Load(folder.Path).Encode("hello the");
        folder.Copy(TextTestData.TinyLlama, "tokenizer.model");
        Assert.That(TokenizerLoader.Load(folder.Path).Encode("hello the"), Is.EqualTo(alone));
    }

    [Test]
    public void Added_tokens_of_a_tokenizer_json_without_a_vocabulary_join_the_tokenizer_model()
    {
        using var folder = ModelFolder.LlamaWith("{}");
        folder.Write(
            "tokenizer.json",
            """{"added_tokens": [{"id": 4096, "content": "<tool>", "special": false}, {"id": 4097, "content": "<end>", "special": true}]}"""
        );
        var tokenizer = TokenizerLoader.Load(folder.Path);
        Assert.That(tokenizer.EncodeRendered("<tool><end>"), Is.EqualTo(TextTestData.Ids(4096, 4097)));
        Assert.That(tokenizer.Decode([4096, 4097]), Is.EqualTo("<tool>"));
        Assert.That(tokenizer.VocabSize, Is.EqualTo(4098));
        using var bare = ModelFolder.LlamaWith("{}");
        Assert.That(
            tokenizer.Encode("Hello world"),
            Is.EqualTo(TokenizerLoader.Load(bare.Path).Encode("Hello world")),
            "the dummy space is the tokenizer.model's"
        );
    }

    [Test]
    public void Special_tokens_of_the_file_never_show()
    {
        using var folder = Folder("unigram");
        var tokenizer = TokenizerLoader.Load(folder.Path);
        Assert.That((tokenizer.BosId, tokenizer.EosIds), Is.EqualTo((1, TextTestData.Ids(2))));
        Assert.That(tokenizer.Decode(tokenizer.Encode("a<tool></s>b")), Is.EqualTo("a<tool> b"));
    }

    [Test]
    [CancelAfter(60_000)]
    public void A_long_text_is_cut_in_a_moment_or_given_up(CancellationToken tooLong)
    {
        foreach (var file in (string[])["bpe-prepend", "unigram"])
        {
            using var folder = Folder(file);
            var tokenizer = TokenizerLoader.Load(folder.Path);
            var text = new string('l', 500_000);
            Assert.That(tokenizer.Encode(text, tooLong), Has.Length.EqualTo(250_002));
            using var cancelled = new CancellationTokenSource();
            cancelled.Cancel();
            Assert.That(() => tokenizer.Encode(text, cancelled.Token), Throws.InstanceOf<OperationCanceledException>());
        }
    }

    [TestCase("normalizer", """{"type": "NFKC"}""", "supported: none, Prepend of \u2581, Replace of a space by \u2581")]
    [TestCase("pre_tokenizer", """{"type": "Whitespace"}""", "for a SentencePiece tokenizer: none, or Metaspace")]
    public void What_would_change_the_ids_is_refused_by_name(string section, string json, string expected)
    {
        using var folder = Folder("bpe-prepend", root => root[section] = JsonNode.Parse(json));
        Assert.That(
            () => TokenizerLoader.Load(folder.Path),
            Throws.TypeOf<TextException>().With.Message.Contains($": {section}: ").And.Message.Contains(expected)
        );
    }

    [Test]
    public void A_Unigram_model_without_pieces_or_with_an_unknown_piece_beyond_them_is_refused()
    {
        AssertRefused(model => model["unk_id"] = 99999, "model.unk_id: found 99999; supported: the id of one of its ");
        AssertRefused(
            model => model["vocab"] = new JsonArray(),
            "model.vocab: found no piece; supported: at least one"
        );

        static void AssertRefused(Action<JsonNode> change, string expected)
        {
            using var folder = Folder("unigram", root => change(root["model"]!));
            Assert.That(
                () => TokenizerLoader.Load(folder.Path),
                Throws.TypeOf<TextException>().With.Message.Contains($"tokenizer.json: {expected}")
            );
        }
    }

    private static ModelFolder Folder(string file, Action<JsonObject>? change = null)
    {
        var folder = new ModelFolder();
        var root = JsonNode.Parse(File.ReadAllText(TextTestData.Data("tokenizers", $"{file}.json")))!.AsObject();
        change?.Invoke(root);
        folder.Write("tokenizer.json", root.ToJsonString());
        return folder;
    }
}
