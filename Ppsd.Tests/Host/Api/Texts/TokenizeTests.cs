namespace Ppsd.Tests.Host.Api.Texts;

/// <summary>The routes that turn text into tokens and back.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class TokenizeTests
{
    [Test]
    public async Task Tokens_and_text_turn_into_each_other()
    {
        const string text = "How many legs do 3 cats have?";
        var (_, tokenized) = await SharedServer.Http.PostAsync(
            "/tokenize",
            $"{{\"prompt\":\"{text}\",\"return_token_strs\":true,\"add_special_tokens\":false}}"
        );
        var tokens = tokenized.GetProperty("tokens");
        Assert.That(tokenized.GetProperty("count").GetInt32(), Is.EqualTo(tokens.GetArrayLength()));
        Assert.That(tokenized.GetProperty("max_model_len").GetInt32(), Is.EqualTo(2048));
        Assert.That(tokenized.GetProperty("token_strs").GetArrayLength(), Is.EqualTo(tokens.GetArrayLength()));

        var (_, detokenized) = await SharedServer.Http.PostAsync(
            "/detokenize",
            $"{{\"tokens\":{tokens.GetRawText()}}}"
        );
        Assert.That(detokenized.GetProperty("prompt").GetString(), Is.EqualTo(text));

        var (_, chat) = await SharedServer.Http.PostAsync("/tokenize", $"{{\"messages\":{HttpAnswers.Question}}}");
        Assert.That(chat.GetProperty("count").GetInt32(), Is.GreaterThan(tokens.GetArrayLength()));
    }

    [Test]
    public async Task Special_tokens_are_kept_in_a_text_unless_asked_not_to()
    {
        const string text = "<s>How many legs?</s>";
        var (_, tokenized) = await SharedServer.Http.PostAsync(
            "/tokenize",
            $"{{\"prompt\":\"{text}\",\"return_token_strs\":true,\"add_special_tokens\":false}}"
        );
        var tokens = tokenized.GetProperty("tokens").GetRawText();
        var (_, kept) = await SharedServer.Http.PostAsync("/detokenize", $"{{\"tokens\":{tokens}}}");
        var (_, skipped) = await SharedServer.Http.PostAsync(
            "/detokenize",
            $"{{\"tokens\":{tokens},\"skip_special_tokens\":true}}"
        );
        using (Assert.EnterMultipleScope())
        {
            Assert.That(kept.GetProperty("prompt").GetString(), Is.EqualTo(text));
            Assert.That(skipped.GetProperty("prompt").GetString(), Is.EqualTo("How many legs?"));
            Assert.That(tokenized.GetProperty("token_strs")[0].GetString(), Is.EqualTo("<s>"));
        }
    }

    /// <summary>Only a text to generate from is bounded by the context.</summary>
    [Test]
    public async Task A_text_far_beyond_the_context_is_counted()
    {
        var text = string.Concat(Enumerable.Repeat("ab", 256 * 1024));
        var (_, tokenized) = await SharedServer.Http.PostAsync("/tokenize", $"{{\"prompt\":\"{text}\"}}");
        var count = tokenized.GetProperty("count").GetInt32();
        var (_, chat) = await SharedServer.Http.PostAsync(
            "/tokenize",
            $"{{\"messages\":[{{\"role\":\"user\",\"content\":\"{text}\"}}]}}"
        );
        var refused = await SharedServer.Http.PostAsync("/v1/completions", $"{{\"prompt\":\"{text}\"}}");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(tokenized.GetProperty("tokens").GetArrayLength(), Is.EqualTo(count).And.GreaterThan(2048));
            Assert.That(chat.GetProperty("count").GetInt32(), Is.GreaterThan(count));
            Assert.That(
                HttpAnswers.AssertError(refused, 400).GetProperty("code").GetString(),
                Is.EqualTo("context_length_exceeded")
            );
        }
    }

    [TestCase("/tokenize", "{}", "prompt")]
    [TestCase("/tokenize", """{"prompt":"a","pad":1}""", "pad")]
    [TestCase("/tokenize", """{"prompt":3}""", "prompt")]
    [TestCase("/detokenize", "{}", "tokens")]
    [TestCase("/detokenize", """{"tokens":"a"}""", "tokens")]
    [TestCase("/detokenize", """{"tokens":[1,4096]}""", "tokens[1]")]
    public async Task Bad_input_to_the_tokenizer_is_refused(string route, string body, string param)
    {
        var error = HttpAnswers.AssertError(await SharedServer.Http.PostAsync(route, body), 400);
        Assert.That(error.GetProperty("param").GetString(), Is.EqualTo(param));
    }
}
