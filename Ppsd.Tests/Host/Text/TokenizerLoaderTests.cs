using Ppsd.Host.Text;
using Ppsd.Host.Text.Tokens;

namespace Ppsd.Tests.Host.Text;

public class TokenizerLoaderTests
{
    [Test]
    public void A_byte_level_tokenizer_json_wins_over_tokenizer_model()
    {
        using var folder = ModelFolder.Llama3With(_ => { });
        folder.Copy(TextTestData.TinyLlama, "tokenizer.model");
        Assert.That(TokenizerLoader.Load(folder.Path).DropsLeadingSpace, Is.False);
    }

    [Test]
    public void Tokenizer_model_wins_over_a_tokenizer_json_converted_from_it()
    {
        using var folder = ModelFolder.LlamaWith("""{"legacy": false}""");
        folder.Write("tokenizer.json", """{"model": {"type": "BPE", "byte_fallback": true}}""");
        AssertIsTinyLlama(folder);
    }

    private static IEnumerable<TestCaseData> ForeignFiles()
    {
        yield return new TestCaseData("{}").SetArgDisplayNames("nothing in it");
        yield return new TestCaseData("""{"model": null, "pre_tokenizer": {"type": "ByteLevel"}}""").SetArgDisplayNames(
            "byte-level without a model"
        );
        yield return new TestCaseData(
            """
            {"model": {"type": "WordPiece", "vocab": {"a": 0}}, "normalizer": {"type": "BertNormalizer"},
             "pre_tokenizer": {"type": "BertPreTokenizer"}, "added_tokens": [{"id": 5, "content": "Hello"}]}
            """
        ).SetArgDisplayNames("WordPiece");
        yield return new TestCaseData(
            File.ReadAllText(Path.Combine(TextTestData.TinyLlama3, "tokenizer.json"))
        ).SetArgDisplayNames("another model's, byte-level");
        yield return new TestCaseData(
            """{"model": {"type": "Unigram", "vocab": [["a", 0]]}, "pre_tokenizer": {"type": "Metaspace"}}"""
        ).SetArgDisplayNames("without the tokens that the folder names");
        yield return new TestCaseData(
            """{"model": {"type": "BPE", "vocab": {"<s>": 0, "</s>": 1, "a": 4096}, "merges": []}}"""
        ).SetArgDisplayNames("with more ids than the model");
    }

    [TestCaseSource(nameof(ForeignFiles))]
    public void A_tokenizer_json_that_cannot_be_the_models_is_left_aside(string json)
    {
        using var folder = ModelFolder.LlamaWith("""{"legacy": false, "bos_token": "<s>", "eos_token": "</s>"}""");
        folder.Write("config.json", """{"vocab_size": 4096}""");
        folder.Write("tokenizer.json", json);
        AssertIsTinyLlama(folder);
    }

    private static void AssertIsTinyLlama(ModelFolder folder)
    {
        var (own, tokenizer) = (TokenizerLoader.Load(TextTestData.TinyLlama), TokenizerLoader.Load(folder.Path));
        foreach (var text in (string[])["Hello world", " Hi  there", "été 𠮷</s>Hi", "1+1=2\n"])
        {
            Assert.That(tokenizer.Encode(text), Is.EqualTo(own.Encode(text)), text);
        }

        Assert.That((tokenizer.VocabSize, tokenizer.DropsLeadingSpace), Is.EqualTo((4096, true)));
    }

    [Test]
    public void A_missing_tokenizer_is_named()
    {
        using var folder = new ModelFolder();
        Assert.That(
            () => TokenizerLoader.Load(folder.Path),
            Throws
                .TypeOf<TextException>()
                .With.Message.EqualTo(
                    $"{folder.Path}: has no tokenizer.json and no tokenizer.model; one of them is needed"
                )
        );
        Assert.That(
            () => TokenizerLoader.Load(folder.Path + "x"),
            Throws.TypeOf<TextException>().With.Message.Contains("no such folder")
        );
    }

    [TestCase("{}", "model: found nothing; supported: BPE or Unigram")]
    [TestCase("""{"model": 5}""", "model: found 5; supported: an object")]
    [TestCase("""{"model": {"type": "WordPiece"}}""", "model.type: found \"WordPiece\"; supported: BPE or Unigram")]
    [TestCase("""{"model": {"type": "BPE"}}""", "model.vocab: found nothing; supported: pieces with their ids")]
    [TestCase("""{"model": {"vocab": {"a": 0}}}""", "model.merges: found nothing; supported: a list")]
    [TestCase(
        """{"model": {"type": "Unigram", "vocab": {}}}""",
        "model.vocab: found {}; supported: a list of pieces with scores"
    )]
    public void A_tokenizer_json_that_cannot_be_used_alone_is_refused_by_its_field(string json, string message)
    {
        using var folder = new ModelFolder();
        folder.Write("tokenizer.json", json);
        Assert.That(
            () => TokenizerLoader.Load(folder.Path),
            Throws
                .TypeOf<TextException>()
                .With.Message.EqualTo(
                    $"{folder.Path}/tokenizer.json: {message}, or a tokenizer.model in the same folder"
                )
        );
    }

    [Test]
    public void Damaged_files_are_named_with_the_field()
    {
        AssertRefused("{", "tokenizer_config.json: is not valid JSON (line 1, byte 2)");
        AssertRefused("[]", "tokenizer_config.json: the whole file: found []; supported: a JSON object");
        AssertRefused("""{"bos_token": 7}""", "tokenizer_config.json: bos_token: found 7; supported: a string");
        AssertRefused(
            """{"bos_token": {}}""",
            "tokenizer_config.json: bos_token: found an object without content; supported: the token's spelling"
        );
        AssertRefused(
            """{"add_bos_token": "yes"}""",
            "tokenizer_config.json: add_bos_token: found \"yes\"; supported: true or false"
        );
        AssertRefused(
            """{"eos_token": "<|none|>"}""",
            "tokenizer_config.json: eos_token: found '<|none|>'; supported: a token of the vocabulary"
        );
        AssertRefused(
            """{"added_tokens_decoder": {"x": {}}}""",
            "tokenizer_config.json: added_tokens_decoder: found id 'x'; supported: token ids"
        );
        AssertRefused(
            """{"added_tokens_decoder": {"5": {"content": ""}}}""",
            "tokenizer_config.json: added token 5: content: found no text; supported: the token's spelling"
        );
        AssertRefused(
            """{"added_tokens_decoder": {"5": {"content": "x", "single_word": true}}}""",
            "tokenizer_config.json: added token 'x': single_word: found true; supported: false"
        );

        static void AssertRefused(string config, string message)
        {
            using var folder = ModelFolder.LlamaWith(config);
            Assert.That(
                () => TokenizerLoader.Load(folder.Path),
                Throws.TypeOf<TextException>().With.Message.EndsWith(message)
            );
        }
    }

    [Test]
    public void Every_end_of_text_id_of_the_model_is_known()
    {
        using var folder = ModelFolder.LlamaWith("{}");
        folder.Write("config.json", """{"eos_token_id": 7}""");
        Assert.That(TokenizerLoader.Load(folder.Path).EosIds, Is.EqualTo(TextTestData.Ids(7, 2)));
        folder.Write("generation_config.json", """{"eos_token_id": [9, 2]}""");
        Assert.That(TokenizerLoader.Load(folder.Path).EosIds, Is.EqualTo(TextTestData.Ids(9, 2)));
        folder.Write("generation_config.json", """{"eos_token_id": -1}""");
        Assert.That(
            () => TokenizerLoader.Load(folder.Path),
            Throws.TypeOf<TextException>().With.Message.Contains("eos_token_id: found -1")
        );
    }

    [Test]
    public void Older_folders_name_their_special_tokens_in_special_tokens_map()
    {
        using var folder = ModelFolder.LlamaWith("""{"bos_token": null}""");
        folder.Write("special_tokens_map.json", """{"bos_token": "<s>", "eos_token": {"content": "</s>"}}""");
        var tokenizer = TokenizerLoader.Load(folder.Path);
        Assert.That(tokenizer.BosId, Is.Null, "tokenizer_config.json says that there is none");
        Assert.That(tokenizer.EosIds, Is.EqualTo(TextTestData.Ids(2)));
        Assert.That(tokenizer.Encode(""), Is.Empty);
    }
}
