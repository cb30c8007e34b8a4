using System.Net;
using System.Text;
using System.Text.Json;

namespace Ppsd.Tests.Host.Api;

/// <summary>Every route's good and bad inputs, as curl sends them.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class RouteTests
{
    private const string Chat = "/v1/chat/completions";
    private const string Completions = "/v1/completions";
    private const string Prompt = "\"prompt\":\"USER: How many legs do 3 cats have? ASSISTANT:\"";

    [TestCase(Chat, "", "empty", null)]
    [TestCase(Chat, "{", "the body is not JSON (line 1, byte 2)", null)]
    [TestCase(Chat, """{"n":NaN}""", "the body is not JSON (line 1, byte 6)", null)]
    [TestCase(Chat, """{"n":1,"n":1}""", "the body is not JSON in which each name of an object stands once", null)]
    [TestCase(
        Chat,
        """{"a":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]}""",
        "of at most 32 levels",
        null
    )]
    [TestCase(Chat, "[]", "expected a JSON object, found an array", null)]
    [TestCase(Chat, "{}", "expected an array of messages, found nothing", "messages")]
    [TestCase(Chat, """{"messages":[]}""", "at least one message", "messages")]
    [TestCase(Chat, """{"messages":"hi"}""", "expected an array", "messages")]
    [TestCase(Chat, """{"messages":[3]}""", "expected a JSON object, found 3", "messages[0]")]
    [TestCase(Chat, """{"messages":[{"content":"x"}]}""", "role", "messages[0].role")]
    [TestCase(Chat, """{"messages":[{"role":"robot","content":"x"}]}""", "found 'robot'", "messages[0].role")]
    [TestCase(Chat, """{"messages":[{"role":"user"}]}""", "found nothing", "messages[0].content")]
    [TestCase(Chat, """{"messages":[{"role":"user","content":7}]}""", "found 7", "messages[0].content")]
    [TestCase(
        Chat,
        """{"messages":[{"role":"user","content":[{"type":"image_url","image_url":{}}]}]}""",
        "only text",
        "messages[0].content[0].type"
    )]
    [TestCase(
        Chat,
        """{"messages":[{"role":"assistant","content":"x","tool_calls":[{}]}]}""",
        "does not support it",
        "messages[0].tool_calls"
    )]
    [TestCase(Chat, """{"messages":[{"role":"user","content":"\ud800"}]}""", "surrogate", "messages[0].content")]
    [TestCase(Completions, "{}", "prompt: expected a string", "prompt")]
    [TestCase(Completions, """{"prompt":["a",[]]}""", "expected a string", "prompt[1]")]
    [TestCase(
        Completions,
        """{"prompt":"a","echo":true,"logprobs":1}""",
        "echo: expected logprobs to be absent",
        "echo"
    )]
    [TestCase(Chat, """{"messages":[{"role":"user","content":"a"}],"echo":true}""", "does not support it", "echo")]
    [TestCase(Completions, """{"prompt":[]}""", "expected a string", "prompt")]
    [TestCase(Completions, """{"prompt":[[]]}""", "expected a string", "prompt[0]")]
    [TestCase(Completions, """{"prompt":[1,-1]}""", "token id from 0 to 4095", "prompt[1]")]
    [TestCase(Completions, """{"prompt":[4096]}""", "token id from 0 to 4095", "prompt[0]")]
    [TestCase(Completions, """{"prompt":true}""", "found true", "prompt")]
    public async Task A_bad_body_is_refused_with_the_place_and_what_was_expected(
        string route,
        string body,
        string message,
        string? param
    )
    {
        var error = HttpAnswers.AssertError(await SharedServer.Http.PostAsync(route, body), 400);
        Assert.That(error.GetProperty("message").GetString(), Does.Contain(message));
        Assert.That(error.GetProperty("param").GetString(), Is.EqualTo(param));
    }

    [TestCase("\"temperature\":-1", "temperature")]
    [TestCase("\"temperature\":1e999", "temperature")]
    [TestCase("\"temperature\":\"hot\"", "temperature")]
    [TestCase("\"top_p\":0", "top_p")]
    [TestCase("\"top_p\":1.5", "top_p")]
    [TestCase("\"top_k\":-2", "top_k")]
    [TestCase("\"min_p\":2", "min_p")]
    [TestCase("\"max_tokens\":0", "max_tokens")]
    [TestCase("\"max_tokens\":1.5", "max_tokens")]
    [TestCase("\"max_tokens\":99999999999", "max_tokens")]
    [TestCase("\"max_tokens\":4000", "max_tokens")]
    [TestCase("\"presence_penalty\":3", "presence_penalty")]
    [TestCase("\"frequency_penalty\":-3", "frequency_penalty")]
    [TestCase("\"repetition_penalty\":0", "repetition_penalty")]
    [TestCase("\"seed\":1.5", "seed")]
    [TestCase("\"seed\":99999999999999999999999", "seed")]
    [TestCase("\"stop\":\"\"", "stop")]
    [TestCase("\"stop\":[\"a\",\"b\",\"c\",\"d\",\"e\"]", "stop")]
    [TestCase("\"stop\":[1]", "stop")]
    [TestCase("\"stop\":{}", "stop")]
    [TestCase("\"n\":9", "n")]
    [TestCase("\"best_of\":3", "best_of")]
    [TestCase("\"stream\":1", "stream")]
    [TestCase("\"stream_options\":{\"include_usage\":true}", "stream_options")]
    [TestCase("\"stream\":true,\"stream_options\":{\"pad\":1}", "stream_options.pad")]
    [TestCase("\"drafts\":true", "drafts")]
    [TestCase("\"speculation\":\"no\"", "speculation")]
    [TestCase("\"ignore_eos\":3", "ignore_eos")]
    [TestCase("\"tools\":[{\"type\":\"function\"}]", "tools")]
    [TestCase("\"response_format\":{\"type\":\"json_object\"}", "response_format")]
    [TestCase("\"logit_bias\":{\"5\":101}", "logit_bias.5")]
    [TestCase("\"logit_bias\":{\"4096\":1}", "logit_bias.4096")]
    [TestCase("\"logit_bias\":{\"5\":1,\"05\":1}", "logit_bias")]
    [TestCase("\"logit_bias\":[1]", "logit_bias")]
    [TestCase("\"n\":2,\"drafts\":true,\"stream\":true", "drafts")]
    [TestCase("\"n\":2,\"best_of\":3", "best_of")]
    [TestCase("\"skip_special_tokens\":false", "skip_special_tokens")]
    [TestCase("\"guided_json\":{}", "guided_json")]
    [TestCase("\"model\":3", "model")]
    public async Task A_field_out_of_range_or_beyond_us_is_refused_by_both_routes(string field, string param)
    {
        var chat = $"{{\"messages\":{HttpAnswers.Question},{field}}}";
        var error = HttpAnswers.AssertError(await SharedServer.Http.PostAsync(Chat, chat), 400);
        Assert.That(error.GetProperty("param").GetString(), Is.EqualTo(param));

        error = HttpAnswers.AssertError(await SharedServer.Http.PostAsync(Completions, $"{{{Prompt},{field}}}"), 400);
        Assert.That(error.GetProperty("param").GetString(), Is.EqualTo(param));
    }

    [TestCase("\"top_logprobs\":3", "top_logprobs")]
    [TestCase("\"logprobs\":true,\"top_logprobs\":21", "top_logprobs")]
    [TestCase("\"logprobs\":5", "logprobs")]
    public async Task Bad_log_probabilities_of_a_chat_are_refused(string field, string param)
    {
        var body = $"{{\"messages\":{HttpAnswers.Question},{field}}}";
        var error = HttpAnswers.AssertError(await SharedServer.Http.PostAsync(Chat, body), 400);
        Assert.That(error.GetProperty("param").GetString(), Is.EqualTo(param));
    }

    [Test]
    public async Task Fields_that_ask_for_nothing_are_accepted_and_change_nothing()
    {
        const string settings = "\"max_tokens\":12,\"temperature\":0";
        const string nothing =
            "\"user\":\"me\",\"n\":1,\"logit_bias\":{},\"tools\":[],\"tool_choice\":\"none\",\"metadata\":{\"a\":\"b\"},\"seed\":null,\"response_format\":{\"type\":\"text\"},\"stop\":[],\"presence_penalty\":0,\"top_k\":-1,\"model\":\"gsm-llama\"";
        var plain = await TextAsync($"{{{Prompt},{settings}}}");
        Assert.That(await TextAsync($"{{{Prompt},{settings},{nothing}}}"), Is.EqualTo(plain));
        Assert.That(await TextAsync($"{{{Prompt},{settings},\"speculation\":false}}"), Is.EqualTo(plain));
        Assert.That(await TextAsync($"{{{Prompt},{settings},\"repetition_penalty\":1.8}}"), Is.Not.EqualTo(plain));
    }

    [Test]
    public async Task Drawn_text_and_its_log_probabilities_are_the_same_with_speculation_off()
    {
        var fields =
            $"{Prompt},\"max_tokens\":30,\"temperature\":0.9,\"seed\":11,\"frequency_penalty\":0.7,\"logprobs\":4";
        var on = await SharedServer.Http.PostAsync(Completions, $"{{{fields}}}");
        var off = await SharedServer.Http.PostAsync(Completions, $"{{{fields},\"speculation\":false}}");
        Assert.That(
            off.Body.GetProperty("choices").GetRawText(),
            Is.EqualTo(on.Body.GetProperty("choices").GetRawText())
        );
    }

    [Test]
    public async Task A_completion_takes_token_ids_and_its_log_probabilities_lie_side_by_side()
    {
        var (status, body) = await SharedServer.Http.PostAsync(
            Completions,
            """{"prompt":[[1,438,4035,489,4080,441,4035]],"max_tokens":6,"logprobs":2,"temperature":0}"""
        );
        Assert.That(status, Is.EqualTo(HttpStatusCode.OK), body.ToString());
        var choice = body.GetProperty("choices")[0];
        var logprobs = choice.GetProperty("logprobs");
        var tokens = logprobs.GetProperty("tokens").EnumerateArray().Select(token => token.GetString()!).ToList();
        var offsets = logprobs.GetProperty("text_offset").EnumerateArray().Select(offset => offset.GetInt32()).ToList();
        using (Assert.EnterMultipleScope())
        {
            Assert.That(tokens, Has.Count.EqualTo(6));
            Assert.That(logprobs.GetProperty("token_logprobs").GetArrayLength(), Is.EqualTo(6));
            Assert.That(logprobs.GetProperty("top_logprobs").GetArrayLength(), Is.EqualTo(6));
            Assert.That(logprobs.GetProperty("top_logprobs")[0].EnumerateObject().Count(), Is.EqualTo(2));
            Assert.That(string.Concat(tokens), Is.EqualTo(choice.GetProperty("text").GetString()));
            Assert.That(offsets[3], Is.EqualTo(string.Concat(tokens.Take(3)).Length));
            Assert.That(body.GetProperty("usage").GetProperty("prompt_tokens").GetInt32(), Is.EqualTo(7));
            Assert.That(body.GetProperty("object").GetString(), Is.EqualTo("text_completion"));
        }
    }

    [Test]
    public async Task A_stream_begins_with_the_role_and_ends_with_reason_usage_and_done()
    {
        var events = await SharedServer.Http.StreamAsync(
            Chat,
            $"{{\"messages\":{HttpAnswers.Question},\"max_tokens\":5,\"stream\":true,\"stream_options\":{{\"include_usage\":true}}}}"
        );
        var chunks = events.SkipLast(1).Select(json => JsonDocument.Parse(json).RootElement).ToList();
        using (Assert.EnterMultipleScope())
        {
            Assert.That(events[^1], Is.EqualTo("[DONE]"));
            Assert.That(Delta(chunks[0]).GetProperty("role").GetString(), Is.EqualTo("assistant"));
            Assert.That(chunks.Skip(1).Take(5).All(chunk => Delta(chunk).TryGetProperty("content", out _)), Is.True);
            Assert.That(
                chunks[^2].GetProperty("choices")[0].GetProperty("finish_reason").GetString(),
                Is.EqualTo("length")
            );
            Assert.That(chunks[^1].GetProperty("choices").GetArrayLength(), Is.Zero);
            Assert.That(chunks[^1].GetProperty("usage").GetProperty("completion_tokens").GetInt32(), Is.EqualTo(5));
            Assert.That(chunks.Select(chunk => chunk.GetProperty("id").GetString()).Distinct().Count(), Is.EqualTo(1));
        }
    }

    [Test]
    public async Task Health_readiness_version_models_and_cluster_answer()
    {
        var ready = await SharedServer.Http.ReadAsync("/health/ready");
        var models = await SharedServer.Http.ReadAsync("/v1/models");
        var cluster = await SharedServer.Http.ReadAsync("/cluster");
        var version = await SharedServer.Http.ReadAsync("/version");
        using (Assert.EnterMultipleScope())
        {
            Assert.That((await SharedServer.Http.ReadAsync("/health")).Status, Is.EqualTo(HttpStatusCode.OK));
            Assert.That(ready.Status, Is.EqualTo(HttpStatusCode.OK));
            Assert.That(ready.Body.GetProperty("status").GetString(), Is.EqualTo("ready"));
            Assert.That(models.Body.GetProperty("data")[0].GetProperty("max_model_len").GetInt32(), Is.EqualTo(2048));
            Assert.That(cluster.Body.GetProperty("stages").GetArrayLength(), Is.EqualTo(4));
            Assert.That(version.Body.GetProperty("version").GetString(), Does.Match(@"^\d+\.\d+\.\d+$"));
            Assert.That(
                (await SharedServer.Http.ReadAsync("/v1/models/gsm-llama")).Status,
                Is.EqualTo(HttpStatusCode.OK)
            );
        }

        HttpAnswers.AssertError(await SharedServer.Http.ReadAsync("/v1/models/gpt-4"), 404);
    }

    [Test]
    public async Task An_unknown_route_a_wrong_method_and_a_wrong_type_are_errors_too()
    {
        HttpAnswers.AssertError(await SharedServer.Http.ReadAsync("/v1/embeddings"), 404);
        HttpAnswers.AssertError(await SharedServer.Http.ReadAsync(Completions), 405);
        HttpAnswers.AssertError(await SharedServer.Http.PostAsync("/health", "{}"), 405);

        using var text = new StringContent("{}", Encoding.UTF8, "text/plain");
        using var response = await SharedServer.Http.PostAsync(new Uri(Completions, UriKind.Relative), text);
        HttpAnswers.AssertError((response.StatusCode, await HttpAnswers.ReadAsync(response)), 415);
    }

    private static async Task<string> TextAsync(string body)
    {
        var (status, answer) = await SharedServer.Http.PostAsync(Completions, body);
        Assert.That(status, Is.EqualTo(HttpStatusCode.OK), answer.ToString());
        return answer.GetProperty("choices")[0].GetProperty("text").GetString()!;
    }

    private static JsonElement Delta(JsonElement chunk) => chunk.GetProperty("choices")[0].GetProperty("delta");
}
