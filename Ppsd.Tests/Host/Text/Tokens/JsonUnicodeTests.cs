using System.Text;
using Ppsd.Host;
using Ppsd.Host.Generation;
using Ppsd.Host.Models;
using Ppsd.Host.Text;
using Ppsd.Host.Text.ChatTemplates;
using Ppsd.Host.Text.Tokens;
using Ppsd.Tests.Support;

namespace Ppsd.Tests.Host.Text.Tokens;

/// <summary>Strings that are not Unicode, in files of any kind: one line that names the file and the field.</summary>
public sealed class JsonUnicodeTests
{
    [TestCase("""{"a":"\ud83d\ude00","b":["\uD83D\uDE00x"],"c":"\\ud83d","\ud83d\ude00":1}""", null)]
    [TestCase("""{"a":"\ud83d"}""", "a")]
    [TestCase("""{"a":{"b":[0,{"c":["x","\udc00"]}]}}""", "a.b[1].c[1]")]
    [TestCase("""{"a":1,"b":"\ud83dx"}""", "b")]
    [TestCase("""{"a":"\ud83d\ud83d\ude00"}""", "a")]
    [TestCase("""["\\\ud83d"]""", "[0]")]
    [TestCase(""" "\ud83d" """, "the text")]
    [TestCase("""{"a":{"\ud83d":1}}""", "a.a field's name")]
    [TestCase("""[[],{},[1,[2]],"\ud83d"]""", "[3]")]
    public void The_first_string_that_holds_half_a_surrogate_pair_is_found(string json, string? place) =>
        Assert.That(JsonUnicode.FindFault(Encoding.UTF8.GetBytes(json)), Is.EqualTo(place));

    [TestCase("""{"prompt":"\ud83d"}""", ":2: prompt: expected Unicode text, found half of a surrogate pair")]
    [TestCase("""{"question":"a\udc00"}""", ":2: question: expected Unicode text")]
    [TestCase(
        """{"messages":[{"role":"user","content":"\ud83d"}]}""",
        ":2: messages[0].content: expected Unicode text"
    )]
    [TestCase("{\"prompt\":\"", ":2: not JSON")]
    [TestCase("""["prompt"]""", ":2: expected a JSON object")]
    public void A_prompts_file_is_refused_by_line_and_field(string line, string message)
    {
        using var folder = new ModelFolder();
        folder.Write("prompts.jsonl", "{\"prompt\":\"x\"}\n" + line);
        Assert.That(Refusal(folder).Message, Does.Contain("prompts.jsonl" + message).And.Not.Contain("\n"));
    }

    [Test]
    public void Bytes_of_a_prompts_file_that_are_not_UTF_8_are_refused_and_a_byte_order_mark_is_not()
    {
        using var folder = new ModelFolder();
        folder.Write("prompts.jsonl", [.. "{\"prompt\":\"x\"}\n{\"prompt\":\"a"u8, 0xE9, .. "\"}"u8]);
        Assert.That(Refusal(folder).Message, Does.Contain("prompts.jsonl:2: byte 13: expected UTF-8, found 0xE9"));

        folder.Write("prompts.jsonl", [0xEF, 0xBB, 0xBF, .. "{\"prompt\":\"x\"}"u8]);
        Assert.That(Read(folder), Has.Count.EqualTo(1));
    }

    [TestCase("""{"bos_token":"\ud83d"}""", "bos_token")]
    [TestCase("""{"bos_token":{"content":"\ud83d"}}""", "bos_token.content")]
    [TestCase("""{"added_tokens_decoder":{"5":{"content":"\ud83d"}}}""", "added_tokens_decoder.5.content")]
    [TestCase("""{"additional_special_tokens":["<a>","\udc00"]}""", "additional_special_tokens[1]")]
    [TestCase("""{"chat_template":"{{ bos_token }}\ud83d"}""", "chat_template")]
    [TestCase("""{"\ud83d":1}""", "a field's name")]
    public void A_models_files_are_refused_by_file_and_field(string config, string field)
    {
        using var folder = ModelFolder.LlamaWith(config);
        foreach (
            var load in (ReadOnlySpan<Action>)
                [
                    () => TokenizerLoader.Load(folder.Path),
                    () => ChatTemplateLoader.Load(folder.Path, TimeProvider.System),
                ]
        )
        {
            var error = Assert.Throws<TextException>(() => load());
            Assert.That(
                error!.Message,
                Does.EndWith($"tokenizer_config.json: {field}: expected Unicode text, found half of a surrogate pair")
            );
        }
    }

    [Test]
    public void A_tokenizer_with_such_a_piece_or_other_bytes_is_refused()
    {
        using var folder = ModelFolder.Llama3With(json => json["model"]!["vocab"]!["x"] = 1);
        var path = Path.Combine(folder.Path, "tokenizer.json");
        var text = File.ReadAllText(path).Replace("\"x\":1", "\"\\ud83d\":1", StringComparison.Ordinal);
        folder.Write("tokenizer.json", text);
        var error = Assert.Throws<TextException>(() => TokenizerLoader.Load(folder.Path));
        Assert.That(error!.Message, Does.Contain("model.vocab.a field's name: expected Unicode text"));

        folder.Write("tokenizer.json", [.. "{\"a\":\""u8, 0xFF, .. "\"}"u8]);
        error = Assert.Throws<TextException>(() => TokenizerLoader.Load(folder.Path));
        Assert.That(error!.Message, Does.EndWith("tokenizer.json: expected UTF-8, found other bytes"));
    }

    private static UserErrorException Refusal(ModelFolder folder) =>
        Assert.Throws<UserErrorException>(() => Read(folder))!;

    private static List<int[]> Read(ModelFolder folder) =>
        PromptFile.Read(
            Path.Combine(folder.Path, "prompts.jsonl"),
            ModelAssets.Open(TestModels.Folder(TestModels.Gsm), TestModels.GsmExitHead, TimeProvider.System)
        );
}
