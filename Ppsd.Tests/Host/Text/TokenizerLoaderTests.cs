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
        using var folder = ModelFolder.LlamaWith("{}");
        folder.Write("tokenizer.json", """{"model": {"type": "BPE", "byte_fallback": true}}""");
        Assert.That(TokenizerLoader.Load(folder.Path).DropsLeadingSpace, Is.False);
        Assert.That(TokenizerLoader.Load(folder.Path).VocabSize, Is.EqualTo(4096));
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

    [Test]
    public void A_tokenizer_json_without_a_vocabulary_and_without_a_model_is_refused()
    {
        using var folder = new ModelFolder();
        folder.Write("tokenizer.json", """{"model": {"type": "BPE", "byte_fallback": true}}""");
        Assert.That(
            () => TokenizerLoader.Load(folder.Path),
            Throws.TypeOf<TextException>().With.Message.Contains("a tokenizer.model in the same folder")
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
